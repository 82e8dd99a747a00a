"""Simplified AdEMAMix: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from harness import Replay
from sources import ascending, warming_half_life, with_decay

import optax_zoo as zoo


@zoo.primitive
def divided_twice(b2: float, eps: float, rounded: bool) -> zoo.Rule:
    """(sqrt(v) + w eps) w, where the root of v's weight, w, would correct it as a divisor; `rounded` to float32."""
    root = zoo.root(zoo.ema(b2, of=zoo.square), eps=0.0)

    def init(params: Any) -> Any:
        return {"root": root.init(params), "count": jnp.zeros((), jnp.int32)}

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        scale, inner = root.update(updates, state["root"], params)
        weight = jnp.sqrt(1 - b2 ** (state["count"] + 1.0))
        weight = weight.astype("float32" if rounded else weight.dtype)
        added = weight * eps
        scale = jax.tree.map(lambda d: (d + added.astype(d.dtype)) * weight.astype(d.dtype), scale)
        return scale, {"root": inner, "count": state["count"] + 1}

    return zoo.Rule(init, update)


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    """It averages, has its weight in float32 unless `foreach` is off, and divides by its root twice."""
    (b1, b2), first, warmup = h["betas"], h["min_beta1"], h["beta1_warmup"]
    b1 = warming_half_life(b1, first, warmup) if warmup else b1
    tx = zoo.simplified_ademamix(h["lr"], alpha=h["alpha"]).replace(
        numerator=zoo.parallel(average=zoo.ema(b1), gradient=zoo.scaled(h["alpha"], zoo.identity)),
        denominator=divided_twice(b2, h["eps"], h.get("foreach") is not False),
    )
    return ascending(with_decay(tx, h, h["weight_decouple"], h["fixed_decay"]), h)


REPLAYS = {"pytorch_optimizer": Replay(pytorch_optimizer)}
