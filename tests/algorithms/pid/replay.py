"""PID: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from harness import Replay
from sources import ascending, with_decay

import optax_zoo as zoo


@zoo.primitive
def change_from_zero() -> zoo.Rule:
    """jettify's change: 0 in the first step, the whole gradient in the second, which is kept from then on."""

    def init(params: Any) -> Any:
        return {"count": jnp.zeros((), jnp.int32), "previous": jax.tree.map(jnp.zeros_like, params)}

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        first = state["count"] == 0
        changes = jax.tree.map(lambda x, before: jnp.where(first, 0, x - before), updates, state["previous"])
        previous = jax.tree.map(lambda x: jnp.where(first, 0, x), updates)
        return changes, {"count": state["count"] + 1, "previous": previous}

    return zoo.Rule(init, update)


def pid(h: dict[str, Any], change: zoo.Part, seeded: str | None = None) -> zoo.Pipeline:
    """Without momentum it is gradient descent."""
    mu = h["momentum"]
    if not mu:
        return zoo.sgd(h["lr"])
    total = zoo.trace(mu, dampening=h["dampening"], seeded=seeded)
    terms = {
        "proportional": zoo.serial(),
        "integral": zoo.scaled(h["integral"], total),
        "derivative": zoo.scaled(h["derivative"], zoo.serial(change=change, average=zoo.ema(mu))),
    }
    return zoo.pid(h["lr"], mu).replace(momentum=zoo.parallel(**terms))


def authors(h: dict[str, Any]) -> zoo.Pipeline:
    """The first gradient enters the sum undampened."""
    return with_decay(pid(h, change_from_zero(), seeded="first_step"), h, decoupled=False)


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    """The row, but for `dampening`."""
    tx = pid(h, zoo.difference())
    if h["momentum"] and not h["dampening"]:
        tx = zoo.pid(h["lr"], h["momentum"], integral=h["integral"], derivative=h["derivative"])
    return ascending(with_decay(tx, h, h["weight_decouple"], h["fixed_decay"]), h)


REPLAYS = {
    "authors": Replay(lambda h: authors({**h, "integral": h["I"], "derivative": h["D"]})),
    "jettify": Replay(authors),
    "pytorch_optimizer": Replay(pytorch_optimizer),
}
