"""SPlus: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
from harness import Replay
from sources import ascending

import optax_zoo as zoo


def factor(h: dict[str, Any], shape: tuple[int, ...]) -> float:
    """Of the rate for a shape."""
    return 2 / sum(shape) if len(shape) == 2 and max(shape) <= h["max_dim"] else h["nonstandard_constant"]


@zoo.primitive
def scale_by(h: dict[str, Any]) -> zoo.Rule:
    """An axis as long as `max_dim` has no factor, but the rate of a matrix."""

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        return jax.tree.map(lambda u: u * factor(h, u.shape), updates), state

    return zoo.Rule(lambda params: (), update)


@zoo.primitive
def decay_of_new(h: dict[str, Any], fixed: bool) -> zoo.Rule:
    """Decays the parameters that the step has led to."""

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        def decayed(u: jax.Array, p: jax.Array) -> jax.Array:
            rate = 1.0 if fixed else h["lr"] * factor(h, u.shape)
            return u - h["weight_decay"] * rate * (p + u)

        return jax.tree.map(decayed, updates, params), state

    return zoo.Rule(lambda params: (), update, needs=("params",))


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    """Averages parameters before they decay."""
    (b1, b2), decay, average = h["betas"], h["weight_decay"], h["ema_rate"]
    tx = zoo.splus(
        h["lr"],
        b1,
        b2,
        every=h["inverse_steps"],
        average_decay=average,
        otherwise=h["nonstandard_constant"],
        max_size=h["max_dim"] - 1,
        weight_decay=None,
    )
    tx = tx.replace(rescale=scale_by(h))
    fixed = h["fixed_decay"]
    if h["weight_decouple"]:
        before = zoo.averaged_params(average, debias=True)
        return ascending(tx.replace(decay=zoo.serial(average=before, decay=decay_of_new(h, fixed)), iterate=None), h)
    return ascending(tx.replace(gradient=zoo.optional(zoo.coupled_decay, decay)), h)


def evaluated(params: Any, state: Any, tx: zoo.Pipeline) -> Any:
    return zoo.evaluation_params(tx, state, params)


REPLAYS = {
    "pytorch_optimizer": Replay(
        pytorch_optimizer,
        evaluated=evaluated,
        unread={"eps": "it is added to all eigenvalues, and changes no eigenvector"},
        tolerance=1e-5,
        why="it decomposes in float32: errors to 8e-7 over 24 settings of its options",
    )
}
