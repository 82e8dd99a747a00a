"""Trains a small Flax model with every algorithm, for its page: `python docs/flax_examples.py [NAME...]`.

What is in docs/results/examples.json is kept, but for the algorithms that are named. Each is at the best rate of a
grid, with which the program of its page is run. `--check` runs it again, and exits with 1 where it prints other losses.
"""

import argparse
import contextlib
import functools
import io
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

import optax_zoo as zoo

FILE = Path(__file__).parent / "results" / "examples.json"
RATES = (1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0, 10.0)
STEPS = 101
TOLERANCE = 2e-3  # of a loss, from one machine to another

SETUP = """\
import jax, optax
import optax_zoo as zoo
from flax import linen as nn
from sklearn.datasets import load_digits

images, labels = load_digits(return_X_y=True)
model = nn.Sequential([nn.Dense(32), nn.relu, nn.Dense(10)])
params = model.init(jax.random.key(0), images)

def loss_of(params):
    scores = model.apply(params, images / 16)
    return optax.softmax_cross_entropy_with_integer_labels(scores, labels).mean()
"""
LOOP = """
tx = zoo.{name}(learning_rate={rate:g})
state = tx.init(params)

@jax.jit
def train_step(params, state):
    loss, grads = jax.value_and_grad(loss_of)(params)
    updates, state = tx.update(grads, state, params{extra})
    return optax.apply_updates(params, updates), state, loss

for step in range({steps}):
    params, state, loss = train_step(params, state)
    if step % 20 == 0:
        print(step, f"{{loss:.4f}}")
"""
EVALUATED = 'print("to evaluate with:", f"{loss_of(zoo.evaluation_params(tx, state, params)):.4f}")\n'
EXTRA = {"value": ", value=loss", "curvature": ", curvature=zoo.hutchinson(loss_of, params)"}


def code(name: str, rate: float) -> str:
    """A training loop with an algorithm, with what its `update` must be given, and the loss that it leads to."""
    extra = "".join(EXTRA[each] for each in zoo.describe(name).needs if each != "params")
    written = SETUP + LOOP.format(name=name, rate=rate, extra=extra, steps=STEPS)
    return written + EVALUATED if leads_elsewhere(name) else written


def leads_elsewhere(name: str) -> bool:
    """Whether it leads to other parameters than it trains at."""

    def keeps(node: Any) -> bool:
        return hasattr(node, "evaluation_params")

    state = jax.eval_shape(zoo.create(name).init, {"w": jnp.ones((2, 2))})
    return any(map(keeps, jax.tree.leaves(state, is_leaf=keeps)))


def printed_by(program: str) -> str:
    """What a program prints."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(program, "<example>", "exec"), {"__name__": "__main__"})
    return printed.getvalue()


@functools.cache
def shared() -> dict[str, Any]:
    """What all programs begin with, run."""
    names: dict[str, Any] = {}
    exec(SETUP, names)
    return names


def tuned(name: str) -> float:
    """The rate of the grid with the least loss after training."""
    loss_of, start = shared()["loss_of"], shared()["params"]
    trained = functools.partial(last_loss, name, loss_of)
    try:
        losses = [float(jax.jit(trained)(start, rate)) for rate in RATES]
    except ValueError:  # of a few algorithms the rate must be a number
        losses = [float(jax.jit(trained, static_argnums=1)(start, rate)) for rate in RATES]
    return RATES[min(range(len(RATES)), key=lambda n: losses[n] if math.isfinite(losses[n]) else math.inf)]


def last_loss(name: str, loss_of: Callable[[Any], jax.Array], start: Any, rate: Any) -> jax.Array:
    """The loss after training by the steps of the program."""
    tx = zoo.create(name, learning_rate=rate)

    def step(carried: Any, _: None) -> tuple[Any, None]:
        params, state = carried
        loss, grads = jax.value_and_grad(loss_of)(params)
        extra = {"value": loss, "curvature": zoo.hutchinson(loss_of, params)}
        updates, state = tx.update(grads, state, params, **extra)
        return (jax.tree.map(jnp.add, params, updates), state), None

    (params, state), _ = jax.lax.scan(step, (start, tx.init(start)), length=STEPS)
    return loss_of(zoo.evaluation_params(tx, state, params))


@functools.cache
def saved() -> dict[str, dict[str, Any]]:
    """By name of an algorithm its rate, and what the program printed."""
    return json.loads(FILE.read_text()) if FILE.exists() else {}


def differences(name: str) -> list[str]:
    """The lines that the program prints now where another was saved."""
    found = saved()[name]
    then, now = found["printed"].splitlines(), printed_by(code(name, found["rate"])).splitlines()
    if len(then) != len(now):
        return now
    return [after for before, after in zip(then, now, strict=True) if not _agree(before, after)]


def _agree(before: str, after: str) -> bool:
    (label, loss), (again, other) = before.rsplit(" ", 1), after.rsplit(" ", 1)
    return label == again and abs(float(loss) - float(other)) <= TOLERANCE * max(float(loss), 0.1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="algorithms (default: those that are not saved yet)")
    parser.add_argument("--check", action="store_true", help="exit with 1 where other losses are printed")
    arguments = parser.parse_args()
    known = zoo.list_algorithms()
    if unknown := set(arguments.names) - set(known):
        parser.error(f"there is no algorithm {min(unknown)!r}.")
    found = saved()
    if arguments.check:
        wrong = [f"{name}: {line}" for name in arguments.names or sorted(found) for line in differences(name)]
        print("\n".join(wrong) or "All print what is saved.", file=sys.stderr if wrong else sys.stdout)
        return int(bool(wrong))
    for name in arguments.names or [name for name in known if name not in found]:
        rate = tuned(name)
        found[name] = {"rate": rate, "printed": printed_by(code(name, rate))}
        lines = ",\n".join(f"{json.dumps(each)}: {json.dumps(found[each])}" for each in sorted(found))
        FILE.write_text(f"{{\n{lines}\n}}\n")
        print(name, rate, found[name]["printed"].split()[-1], flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
