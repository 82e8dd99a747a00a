"""The sign of an update: steps of one size (Lion, signSGD)."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from optax_zoo.primitives.part import Rule, primitive


@primitive
def scale_by_sign() -> Rule:
    """Replaces each element of the updates by its sign: -1, 0 or 1; of a complex x that is x / abs(x).

    Returns:
      A transformation without state.
    """

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        return jax.tree.map(jnp.sign, updates), state

    return Rule(lambda params: optax.EmptyState(), update, by_leaf=True)
