"""SWATS: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import jax.numpy as jnp
from harness import Replay
from sources import ascending, with_decay

import optax_zoo as zoo
from optax_zoo import debiased, ema, root, square

STATE = {"phase": "it is state"}


def jettify(h: dict[str, Any]) -> zoo.Pipeline:
    average = ema(h["betas"][1], of=square)
    average = zoo.running_max(average) if h["amsgrad"] else average
    tx = zoo.swats(h["lr"], *h["betas"], atol=1e-8, rtol=1e-6, weight_decay=h["weight_decay"])
    return tx.replace(denominator=debiased(root(average, eps=h["eps"])))


@zoo.primitive
def switched_by_leaf(h: dict[str, Any], leaves: list[str]) -> zoo.Rule:
    """pytorch_optimizer's switch: each leaf finds a rate, and all take that of the last one of which it is near."""
    (b1, b2), rtol, of_momentum = h["betas"], h["eps"], 1.0 if h["nesterov"] else 1 - h["betas"][0]

    def init(params: Any) -> Any:
        zero = jnp.zeros((), jax.tree.leaves(params)[0].dtype)
        return {
            "rates": jax.tree.map(lambda p: zero, params),
            "rate": zero,
            "momentum": jax.tree.map(jnp.zeros_like, params),
            "count": jnp.zeros((), jnp.int32),
        }

    def update(u: Any, state: Any, params: Any = None, *, gradient: Any, **extra_args: Any) -> Any:
        count, switched, found, rates = state["count"] + 1, state["rate"] > 0, state["rate"], {}
        for name in leaves:
            descent = -jnp.sum(u[name] * gradient[name])
            now = jnp.sum(u[name] ** 2) / jnp.where(descent == 0, 1, descent)
            rates[name] = jnp.where(descent == 0, state["rates"][name], b2 * state["rates"][name] + (1 - b2) * now)
            average = rates[name] / (1 - b2**count)
            near = (jnp.abs(average - now) <= 1e-8 + rtol * jnp.abs(now)) & (descent != 0) & (average > 0)
            found = jnp.where(near & (count > 1) & ~switched, average, found)
        momentum = jax.tree.map(lambda s, g: jnp.where(switched, b1 * s + g, s), state["momentum"], gradient)
        step = jax.tree.map(lambda x, s: jnp.where(switched, -of_momentum * state["rate"] * s, x), u, momentum)
        return step, {"rates": rates, "rate": found, "momentum": momentum, "count": count}

    return zoo.Rule(init, update)


@zoo.primitive
def decay_at_found_rate(coefficient: float) -> zoo.Rule:
    """Decoupled decay that follows the rate which was switched to."""

    def update(u: Any, state: Any, params: Any, *, states_before: Any, learning_rate: Any, **extra_args: Any) -> Any:
        found = states_before["velocity"]["rate"]
        share = coefficient * jnp.where(found > 0, found, learning_rate)
        return jax.tree.map(lambda x, p: x - share * p, u, params), state

    return zoo.Rule(lambda params: (), update, needs=("params",))


def pytorch_optimizer(h: dict[str, Any], leaves: list[str]) -> zoo.Pipeline:
    average = ema(h["betas"][1], of=square)
    average = zoo.running_max(average) if h["ams_bound"] else average
    tx = zoo.swats(h["lr"], *h["betas"]).replace(
        denominator=debiased(root(average, eps=h["eps"], eps_root=1e-15)), velocity=switched_by_leaf(h, leaves)
    )
    if h.get("adam_debias"):
        tx = tx.replace(numerator=ema(h["betas"][0]))
    tx = with_decay(tx, h, h["weight_decouple"], h["fixed_decay"])
    if "decay" in tx.slots and not h["fixed_decay"]:
        tx = tx.replace(decay=decay_at_found_rate(h["weight_decay"]))
    return ascending(tx, h)


REPLAYS = {
    "jettify": Replay(
        jettify, unread=STATE | {"nesterov": "it counts after the switch alone, which no recorded case comes to"}
    ),
    "pytorch_optimizer": Replay(pytorch_optimizer, given=lambda case: {"leaves": list(case["params_0"])}, unread=STATE),
}
