"""Meta-training: the weights of `learned_lstm` that come with the package were made by this script.

The task is that of section 3.1 of Andrychowicz et al. (2016): random 10-dimensional quadratics ||W theta - y||^2, 100
steps, the derivative taken back through 20. The paper minimizes the sum of the losses met, to which an easy problem
adds nothing once its loss is small, however much smaller it could be: trained so, the network had a lower mean loss but
lost to momentum on easy problems. Here it is the sum of the fourth roots of the losses.

    python examples/train_learned_lstm.py --out . --checkpoint run.npz

writes `weights.npz` and `weights.json`. Killed, it goes on from the checkpoint when it is started again.
"""

import argparse
import functools
import importlib.metadata
import json
import os
import pathlib
import platform
import time

import jax
import jax.numpy as jnp
import optax

import optax_zoo as zoo
from optax_zoo import learned

STEPS, UNROLL = 100, 20
SETTINGS = {"batch": 16, "validation_tasks": 256, "interval": 200, "steps": STEPS, "unroll": UNROLL}
RATE, K = 0.1, 10.0  # the output scale and the range of the preprocessing, as in the paper


def objective(losses: jax.Array) -> jax.Array:
    """The mean fourth root of the losses after each step."""
    return jnp.mean((losses + 1e-9) ** 0.25)


def optimizer(weights: learned.Weights) -> zoo.Pipeline:
    return zoo.learned_lstm(RATE, weights=weights, k=K)


def show(began: float, report: learned.Report) -> None:
    """Prints a line of progress."""
    print(
        f"episode {report.episode:5d}  {time.perf_counter() - began:6.1f} s  training {report.loss:8.4f}  "
        f"validation {report.validation:8.4f}  best {report.best:8.4f}",
        flush=True,
    )


def train(arguments: argparse.Namespace, began: float) -> learned.MetaTrained:
    of_weights, of_tasks = jax.random.split(jax.random.key(arguments.seed))
    rate = optax.cosine_decay_schedule(3e-3, arguments.episodes * STEPS // UNROLL)
    return learned.meta_train(
        optimizer,
        learned.init_weights(of_weights),
        learned.quadratic,
        key=of_tasks,
        episodes=arguments.episodes,
        objective=objective,
        meta_optimizer=optax.chain(optax.clip_by_global_norm(1.0), optax.adam(rate)),
        checkpoint=arguments.checkpoint,
        resume=True,
        progress=functools.partial(show, began),
        **SETTINGS,
    )


def describe(arguments: argparse.Namespace, found: learned.MetaTrained, seconds: float) -> dict[str, object]:
    """What `weights.json` says."""
    keys = jax.random.split(jax.random.key(arguments.seed + 1), 1000)
    tx = optimizer(found.weights)
    final = jax.jit(jax.vmap(lambda key: learned.run(tx, learned.quadratic, key, STEPS)[-1]))(keys)
    return {
        "task": "random 10-dimensional quadratics ||W theta - y||^2, W and y standard normal, theta_0 0.01 x normal",
        "objective": "mean over the steps of (loss + 1e-9) ** 0.25",
        "learning_rate": RATE,
        "k": K,
        "seed": arguments.seed,
        "episodes": arguments.episodes,
        **SETTINGS,
        "meta_optimizer": "clip_by_global_norm(1.0), adam at 3e-3 with cosine decay to 0",
        "minutes": round(seconds / 60, 1),
        "machine": f"{os.cpu_count()} CPU cores, {platform.machine()}",
        "result": {
            "objective_on_validation_tasks_at_start": found.history[0].validation,
            "objective_on_validation_tasks": found.validation,
            "mean_loss_after_100_steps_on_1000_new_tasks": float(jnp.mean(final)),
            "mean_log10_loss_after_100_steps_on_1000_new_tasks": float(jnp.mean(jnp.log10(final))),
        },
        "versions": {name: importlib.metadata.version(name) for name in ("jax", "jaxlib", "optax", "numpy")}
        | {"python": platform.python_version(), "optax_zoo": zoo.__version__},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains the weights of learned_lstm.")
    parser.add_argument("--episodes", type=int, default=6000, help="episodes of 100 steps (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights and tasks (default: %(default)s)")
    parser.add_argument("--out", type=pathlib.Path, default=".", help="folder for the result (default: this one)")
    parser.add_argument("--checkpoint", type=pathlib.Path, help="file to go on from after a kill (default: none)")
    arguments = parser.parse_args()
    if arguments.episodes < 1:
        parser.error(f"--episodes is {arguments.episodes}, but must be above 0.")
    began = time.perf_counter()
    found = train(arguments, began)
    description = describe(arguments, found, time.perf_counter() - began)
    arguments.out.mkdir(parents=True, exist_ok=True)
    learned.save_weights(arguments.out / "weights.npz", found.weights)
    (arguments.out / "weights.json").write_text(json.dumps(description, indent=2) + "\n")
    print(f"validation: {found.validation:.4f}; wrote {arguments.out / 'weights.npz'}")


if __name__ == "__main__":
    main()
