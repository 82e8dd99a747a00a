"""SGD-SaI: how each source's hyperparameters, under its own names (h), are said here."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from harness import Replay
from sources import ascending, with_decay

import optax_zoo as zoo


@zoo.primitive
def scale_by_first(ratio_of: Callable[[Any], Any], weight_decay: float = 0.0) -> zoo.Rule:
    """Decay is added after the ratio of the first gradient has been found, before it is multiplied by."""

    def update(updates: Any, ratios: Any, params: Any = None, **extra_args: Any) -> Any:
        ratios = jax.tree.map(lambda x, r: jnp.where(r < 0, ratio_of(x), r), updates, ratios)
        return jax.tree.map(lambda x, p, r: (x + weight_decay * p) * r, updates, params, ratios), ratios

    return zoo.Rule(lambda params: jax.tree.map(lambda p: -jnp.ones((), p.dtype), params), update, ("params",))


def authors(h: dict[str, Any]) -> zoo.Pipeline:
    """The norm of a single number is divided by eps."""
    eps = h["eps"]
    several = optax.masked(zoo.scale_by_first_snr(eps=eps), lambda params: jax.tree.map(lambda p: p.size > 1, params))
    single = scale_by_first(lambda x: jnp.linalg.norm(x.ravel()) / eps if x.size == 1 else 1.0)
    tx = zoo.sgdsai(h["lr"], h["momentum"], weight_decay=h["weight_decay"])
    return tx.replace(gradient=zoo.serial(several=several, single=single))


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    """Leaves of one axis, or of length 1 along the first, are multiplied by their first norm.

    Coupled decay is added to a gradient that has been averaged: it counts without momentum alone.
    """
    mu, eps, decoupled = h["momentum"], h["eps"], h["weight_decouple"]

    def ratio_of(x: Any) -> Any:
        norm, deviation = jnp.linalg.norm(x.ravel()), jnp.std(x, ddof=1)
        return norm if x.ndim < 2 or x.shape[0] == 1 else jnp.where(deviation == 0, norm, norm / (deviation + eps))

    coefficient = 0.0 if decoupled or mu else h["weight_decay"]
    tx = zoo.sgdsai(h["lr"], mu, weight_decay=None).replace(
        gradient=scale_by_first(ratio_of, coefficient), momentum=zoo.optional(zoo.ema, mu)
    )
    return ascending(with_decay(tx, h, decoupled=True) if decoupled else tx, h)


REPLAYS = {"authors": Replay(authors), "pytorch_optimizer": Replay(pytorch_optimizer)}
