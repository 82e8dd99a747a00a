"""Mirror-descent MADGRAD: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from harness import Replay

import optax_zoo as zoo


def authors(h: dict[str, Any]) -> zoo.Pipeline:
    """An eps is outside the cube root of the average of squares, and in the rate; decoupled decay acts on z."""
    rate, eps, weight_decay, decoupled = h["lr"], h["eps"], h["weight_decay"], h["decouple_decay"]
    rate = rate + eps if rate else rate
    tx = zoo.mirror_madgrad(rate, h["momentum"], weight_decay=None if decoupled else weight_decay)
    if eps:
        tx = tx.replace(denominator=with_eps(tx.slots["denominator"], eps))
    return tx.replace(decay=decay_of_base(rate * weight_decay)) if decoupled and weight_decay else tx


def with_eps(denominator: zoo.Part, eps: float) -> optax.GradientTransformation:
    """The sum of squares here is sqrt(t) times the average there, and its cube root that much larger."""

    def update(g: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        estimate, after = denominator.update(g, state, params, **extra_args)
        t = after.count.astype(float)
        return jax.tree.map(lambda d: jnp.where(jnp.isinf(d), 0, d) + eps * t ** (1 / 6), estimate), after

    return optax.GradientTransformationExtraArgs(denominator.init, update)


def decay_of_base(share: float) -> optax.GradientTransformation:
    def update(u: Any, state: Any, params: Any = None, *, states_before: Any, **extra_args: Any) -> Any:
        return jax.tree.map(lambda u, z: u - share * z, u, states_before["iterate"].base), state

    return optax.GradientTransformationExtraArgs(optax.identity().init, update)


REPLAYS = {"authors": Replay(authors)}
