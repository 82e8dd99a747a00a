"""Damping: shrinking large elements of a gradient."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import lift, like
from optax_zoo.primitives.statistics import square


@primitive
def damp_by_max() -> Rule:
    """Gravity's damping of each leaf by its largest element: g / (1 + (g max|g|)^2).

    The paper writes it with the max-step gradient m = 1 / max|g|, as g / (1 + (g / m)^2).

    Returns:
      A stateless transformation.
    """

    def damp(x: Any) -> jax.Array:
        g = lift(x)
        largest = jnp.max(jnp.abs(g), initial=0)
        return like(g / (1 + square(g * largest)), x)  # |g| again would be kept from the maximum: a temporary

    def update(updates: Any, state: optax.EmptyState, params: Any = None, **extra_args: Any) -> Any:
        return jax.tree.map(damp, updates), state

    return Rule(optax.init_empty_state, update)
