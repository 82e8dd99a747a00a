"""LaProp: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from harness import Replay
from sources import ascending, of_pytorch_optimizer

import optax_zoo as zoo


def timm(h: dict[str, Any]) -> zoo.Pipeline:
    tx = zoo.laprop(h["lr"], *h["betas"], eps=h["eps"], weight_decay=h["weight_decay"])
    return tx.replace(
        momentum=zoo.in_series(average=tx.slots["momentum"], cautious=zoo.cautious() if h["caution"] else None)
    )


@zoo.primitive
def centered(b2: float, steps: int) -> zoo.Rule:
    """The average square, less the square of the average after some steps."""
    mean, mean_square = zoo.ema(b2), zoo.ema(b2, of=zoo.square)

    def init(params: Any) -> Any:
        states = {"mean": mean.init(params), "mean_square": mean_square.init(params)}
        return {**states, "count": jnp.zeros((), jnp.int32)}

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        m, of_mean = mean.update(updates, state["mean"])
        v, of_mean_square = mean_square.update(updates, state["mean_square"])
        count = state["count"] + 1
        estimate = jax.tree.map(lambda m, v: jnp.where(count > steps, v - m * m, v), m, v)
        return estimate, {"mean": of_mean, "mean_square": of_mean_square, "count": count}

    def debias_weight(weight: Any, state: Any) -> Any:
        return mean_square.rule.debias_weight(weight, state["mean_square"])

    return zoo.Rule(init, update, debias_weight=debias_weight)


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    """The correction of the average is in float32, unless it goes leaf by leaf; coupled decay comes too late."""
    (b1, b2), by_leaf = h["betas"], h.get("cautious") or h.get("foreach") is False
    denominator = of_pytorch_optimizer(h, b2)
    if h["centered"]:
        average = centered(b2, h.get("steps_before_using_centered", 10))
        average = zoo.running_max(average) if h["ams_bound"] else average
        denominator = zoo.debiased(zoo.root(average, eps=h["eps"], eps_root=1e-15))

    def correction(count: jax.Array) -> jax.Array:
        factor = 1 / (1 - b1 ** (count + 1.0))
        return factor if by_leaf else factor.astype("float32").astype(factor.dtype)

    coefficient = h["weight_decay"] / (h["lr"] if h["fixed_decay"] else 1)
    tx = zoo.laprop(h["lr"], b1, b2, weight_decay=coefficient if h["weight_decouple"] else None).replace(
        denominator=denominator,
        momentum=zoo.in_series(
            average=zoo.scaled(correction, zoo.ema(b1)), cautious=zoo.cautious(None) if h.get("cautious") else None
        ),
    )
    return ascending(tx, h)


REPLAYS = {
    "timm": Replay(timm, unread={"corrected_weight_decay": "the same at a constant rate"}),
    "pytorch_optimizer": Replay(pytorch_optimizer),
}
