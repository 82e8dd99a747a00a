"""diffGrad: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from harness import Replay
from sources import adanorm, ascending, of_pytorch_optimizer, with_decay

import optax_zoo as zoo


def jettify(h: dict[str, Any]) -> zoo.Pipeline:
    b1, b2 = h["betas"]
    uncorrected = zoo.debiased(zoo.root(zoo.ema(b2, of=zoo.square), eps=h["eps"]))
    return with_decay(zoo.diffgrad(h["lr"], b1, b2).replace(denominator=uncorrected), h, decoupled=False)


@zoo.primitive
def friction_after(steps: int) -> zoo.Rule:
    """Friction, which steps that are not rectified are without."""
    friction = zoo.friction(zoo.difference(seeded=None))

    def init(params: Any) -> Any:
        return {"friction": friction.init(params), "count": jnp.zeros((), jnp.int32)}

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        slowed, after = friction.update(updates, state["friction"], params, **extra_args)
        chosen = jax.tree.map(lambda u, s: jnp.where(state["count"] < steps, u, s), updates, slowed)
        return chosen, {"friction": after, "count": state["count"] + 1}

    return zoo.Rule(init, update)


def steps_below(b2: float, threshold: float) -> int:
    """How many steps there are in which the average is too young to be rectified."""
    limit, steps = 2 / (1 - b2) - 1, 0
    while limit - 2 * (steps + 1) * b2 ** (steps + 1) / (1 - b2 ** (steps + 1)) < threshold:
        steps += 1
    return steps


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    b1, b2 = h["betas"]
    tx = zoo.diffgrad(h["lr"], b1, b2).replace(denominator=of_pytorch_optimizer(h, b2))
    if h["rectify"]:
        threshold = float(h.get("n_sma_threshold", 5))
        otherwise = "momentum" if h.get("degenerated_to_sgd", True) else "still"
        scale = zoo.rectified(tx.slots["denominator"], b2, threshold=threshold, otherwise=otherwise)
        tx = tx.replace(denominator=scale, rescale=friction_after(steps_below(b2, threshold)))
    if h.get("adam_debias"):
        tx = tx.replace(numerator=zoo.ema(b1))
    tx = tx.replace(numerator=zoo.in_series(size=adanorm(h), average=tx.slots["numerator"]))
    return ascending(with_decay(tx, h, h["weight_decouple"], h["fixed_decay"]), h)


REPLAYS = {"jettify": Replay(jettify), "pytorch_optimizer": Replay(pytorch_optimizer)}
