"""Every recorded trajectory of the original implementations, replayed.

One entry a source: how its hyperparameters, under its own names (h), are said here.
"""

from typing import Any

import jax
import jax.numpy as jnp
import optax
import pytest
from parity import TOLERANCE, Replay, cases, largest_error, tree

import optax_zoo as zoo


def keras_sgd(h: dict[str, Any]) -> optax.GradientTransformation:
    return zoo.sgd(lambda count: h["lr"] / (1 + h["decay"] * count))


SGD = {
    "keras2": Replay(keras_sgd),
    "seed": Replay(lambda h: zoo.sgd(h["eta"])),
    "torch": Replay(lambda h: zoo.sgd(h["lr"], weight_decay=h["weight_decay"])),
}


def torch_momentum(h: dict[str, Any]) -> optax.GradientTransformation:
    undamped_start = zoo.trace(h["momentum"], dampening=h["dampening"], seeded="first_step")
    outside = zoo.momentum(h["lr"], h["momentum"], rate_inside=False, weight_decay=h["weight_decay"])
    return outside.replace(momentum=undamped_start) if h["dampening"] else outside


MOMENTUM = {
    "chainer": Replay(lambda h: zoo.momentum(h["lr"], h["momentum"])),
    "keras2": Replay(lambda h: zoo.momentum(h["lr"], h["momentum"])),
    "seed": Replay(lambda h: zoo.momentum(h["eta"], h["mu"], dampening=h["mu"])),
    "torch": Replay(torch_momentum),
}


def chainer_look_ahead(mu: float) -> optax.GradientTransformation:
    """v <- mu v + u, step mu^2 v + (1 + mu) u: looks ahead from the look-ahead; Chainer's alone, so it stands here."""

    def update(updates: Any, v: Any, params: Any = None) -> Any:
        v = jax.tree.map(lambda u, v: mu * v + u, updates, v)
        return jax.tree.map(lambda u, v: mu**2 * v + (1 + mu) * u, updates, v), v

    return optax.GradientTransformation(lambda params: jax.tree.map(jnp.zeros_like, params), update)


NAG = {
    "chainer": Replay(lambda h: zoo.nag(h["lr"]).replace(velocity=chainer_look_ahead(h["momentum"]))),
    "keras2": Replay(lambda h: zoo.nag(h["lr"], h["momentum"])),
    "seed-closed-loop": Replay(
        lambda h: zoo.nag((1 - h["mu"]) * h["eta"], h["mu"]),
        observe=lambda params, state, h: zoo.nag_iterate(params, state, h["mu"]),
    ),
    "torch": Replay(lambda h: zoo.nag(h["lr"], h["momentum"])),
}


def adam_with_uncorrected_root(rate: float, b1: float, b2: float, **eps: float) -> zoo.Pipeline:
    return zoo.adam(rate, b1, b2).replace(denominator=zoo.debiased(zoo.root(zoo.ema(b2, of=zoo.square), **eps)))


def chainer_adam(h: dict[str, Any]) -> zoo.Pipeline:
    return adam_with_uncorrected_root(h["alpha"], h["beta1"], h["beta2"], eps=h["eps"])


def optimi_adam(h: dict[str, Any]) -> zoo.Pipeline:
    return zoo.adam(h["lr"], h["beta1"], h["beta2"], eps=h["eps"])


ADAM = {
    "chainer": Replay(chainer_adam),
    "optimi": Replay(optimi_adam),
    "keras2": Replay(lambda h: adam_with_uncorrected_root(h["lr"], h["beta_1"], h["beta_2"], eps=h["epsilon"])),
    "seed": Replay(
        lambda h: adam_with_uncorrected_root(h["alpha"], h["beta1"], h["beta2"], eps=0.0, eps_root=h["eps"])
    ),
    "tensorflow1": Replay(
        lambda h: adam_with_uncorrected_root(h["learning_rate"], h["beta1"], h["beta2"], eps=h["epsilon"])
    ),
    "torch": Replay(lambda h: zoo.adam(h["lr"], *h["betas"], eps=h["eps"], weight_decay=h["weight_decay"])),
}

ADAMW = {
    "chainer": Replay(
        lambda h: chainer_adam(h).replace(decay=zoo.decoupled_decay(h["eta"] * h["weight_decay_rate"] / h["alpha"]))
    ),
    "optimi": Replay(lambda h: optimi_adam(h).replace(decay=zoo.decoupled_decay(h["weight_decay"]))),
    "torch": Replay(lambda h: zoo.adamw(h["lr"], *h["betas"], eps=h["eps"], weight_decay=h["weight_decay"])),
}

EXPECTIGRAD = {
    "tensorflow1": Replay(
        lambda h: zoo.expectigrad(h["learning_rate"], h["beta"], eps=h["epsilon"], sparse_counter=h["sparse_counter"])
    ),
    "tensorflow2": Replay(
        lambda h: zoo.expectigrad(h["learning_rate"], h["beta"], eps=h["epsilon"], sparse_counter=h["sparse_counter"])
    ),
    "torch": Replay(lambda h: zoo.expectigrad(h["lr"], h["beta"], eps=h["eps"], sparse_counter=h["sparse_counter"])),
}


def largest_so_far(tx: zoo.Pipeline, b2: float, eps: float, seeded: Any) -> zoo.Pipeline:
    """NovoGrad's amsgrad option: the largest average so far."""
    average = zoo.ema(b2, of=zoo.leaf_sum(zoo.square), seeded=seeded)
    return tx.replace(denominator=zoo.root(zoo.running_max(average), eps=eps))


def openseq2seq(h: dict[str, Any], b2: float | None = None) -> zoo.Pipeline:
    return zoo.novograd(
        h["learning_rate"],
        h["beta1"],
        h["beta2"] if b2 is None else b2,
        eps_root=h["epsilon"],
        weight_decay=h["weight_decay"],
        grad_averaging=h["grad_averaging"],
    )


def timm(h: dict[str, Any]) -> zoo.Pipeline:
    tx = zoo.novograd(
        h["lr"],
        *h["betas"],
        eps=h["eps"],
        eps_root=0.0,
        weight_decay=h["weight_decay"],
        grad_averaging=h["grad_averaging"],
    )
    return largest_so_far(tx, h["betas"][1], h["eps"], "while_zero") if h["amsgrad"] else tx


def skip_averaging_at_first(b1: float, weight_decay: float) -> optax.GradientTransformation:
    """grad_averaging as tensorflow-addons and pytorch_optimizer have it: the first normalized gradient enters whole."""
    return zoo.serial(decay=zoo.coupled_decay(weight_decay), trace=zoo.ema(b1, seeded="first_step"))


def seeded_by_step(
    rate: float, b1: float, b2: float, eps: float, weight_decay: float, grad_averaging: bool
) -> zoo.Pipeline:
    tx = zoo.novograd(rate, b1, b2, eps=eps, eps_root=0.0, weight_decay=weight_decay, reseed=False)
    return tx.replace(momentum=skip_averaging_at_first(b1, weight_decay)) if grad_averaging else tx


def tfa(h: dict[str, Any]) -> zoo.Pipeline:
    b2, eps = h["beta_2"], h["epsilon"]
    tx = seeded_by_step(h["learning_rate"], h["beta_1"], b2, eps, h["weight_decay"], h["grad_averaging"])
    return largest_so_far(tx, b2, eps, "first_step") if h.get("amsgrad") else tx


NOVOGRAD = {
    "jettify": Replay(timm),
    # The average is never stored, so that v is the squared norm of every step's gradient: b2 = 0.
    "openseq2seq-as-is": Replay(lambda h: openseq2seq(h, b2=0.0)),
    "openseq2seq-ema": Replay(openseq2seq),
    "openseq2seq-ema-f32": Replay(openseq2seq),
    "tfa": Replay(tfa),
    "timm": Replay(timm),
    "pytorch_optimizer": Replay(
        lambda h: seeded_by_step(h["lr"], *h["betas"], h["eps"], h["weight_decay"], h["grad_averaging"])
    ),
}


def recorded_velocity(state: dict[str, Any], case: dict[str, Any]) -> dict[str, Any]:
    velocity = tree(case["initial_state"]["velocity"], case["dtype"])
    return {**state, "momentum": state["momentum"]._replace(value=velocity)}


def keras_gravity(h: dict[str, Any]) -> zoo.Pipeline:
    return zoo.gravity(h["learning_rate"], h["alpha"], h["beta"])


GRAVITY = {
    "keras": Replay(keras_gravity, recorded_velocity),
    "keras-f64": Replay(keras_gravity, recorded_velocity),
    "torch": Replay(
        lambda h: zoo.gravity(h["lr"]).replace(momentum=zoo.ema(zoo.growing_decay(h["beta"], start=1))),
        recorded_velocity,
    ),
}


def keras_inner(h: dict[str, Any]) -> zoo.Pipeline:
    if h["inner"] == "SGD":
        assert h["nesterov"]
        return zoo.nag(h["lr"], h["momentum"])
    return adam_with_uncorrected_root(h["lr"], h["beta_1"], h["beta_2"], eps=h["epsilon"])


def keras_eps(norm: str) -> float:
    """K.epsilon() is added to every norm; l1_l2 is the mean of two that have it already."""
    return 2e-7 if norm == "l1_l2" else 1e-7


NORMALIZED = {
    "normalized": Replay(
        lambda h: zoo.normalized(keras_inner(h), h["normalization"], eps=keras_eps(h["normalization"]))
    ),
}
CLIPPED = {
    "clipped": Replay(
        lambda h: zoo.clipped(keras_inner(h), h["normalization"], h["clipnorm"], eps=keras_eps(h["normalization"]))
    ),
}

REPLAYS = {
    "sgd": SGD,
    "momentum": MOMENTUM,
    "nag": NAG,
    "adam": ADAM,
    "adamw": ADAMW,
    "expectigrad": EXPECTIGRAD,
    "novograd": NOVOGRAD,
    "gravity": GRAVITY,
    "normalized": NORMALIZED,
    "clipped": CLIPPED,
}

ALL = [(algorithm, name) for algorithm in REPLAYS for name in cases(algorithm)]


def replay_of(algorithm: str, name: str) -> Replay:
    return REPLAYS[algorithm][name.split("/")[0]]


@pytest.mark.parametrize(("algorithm", "name"), ALL, ids=[f"{algorithm}-{name}" for algorithm, name in ALL])
def test_replays_the_original(algorithm: str, name: str) -> None:
    case = cases(algorithm)[name]
    assert largest_error(case, replay_of(algorithm, name)) <= TOLERANCE[case["dtype"]]


def test_every_registered_algorithm_is_replayed() -> None:
    assert sorted(REPLAYS) == zoo.list_algorithms()


@pytest.mark.parametrize("name", [name for name in cases("nag") if name.startswith("seed-closed-loop")])
def test_nag_parameters_are_the_look_ahead_point(name: str) -> None:
    """The recorded gradients are those of the recorded quadratic at our own parameters."""
    case = cases("nag")[name]
    with jax.enable_x64(True):
        tx = replay_of("nag", name).make(case["hyperparameters"])
        params = tree(case["params_0"], "float64")
        curvature, centre = (tree(case["closed_loop"][part], "float64") for part in "ac")
        state = tx.init(params)
        for recorded in case["grads"]:
            grads = jax.tree.map(lambda p, a, c: a * (p - c), params, curvature, centre)
            for leaf, numbers in tree(recorded, "float64").items():
                assert jnp.allclose(grads[leaf], numbers, rtol=0, atol=1e-9 * jnp.max(jnp.abs(numbers)))
            updates, state = tx.update(grads, state, params)
            params = optax.apply_updates(params, updates)
