"""Clipping each element of an update."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.learning_rate import ScheduleState
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import in_dtype
from optax_zoo.primitives.types import Decay


@primitive
def clip_by_value(limit: Decay) -> Rule:
    """Clips each element of the updates to [-limit, limit].

    Real and imaginary parts of complex numbers are clipped each.

    Args:
      limit: at least 0, or a function of the number of steps taken (see `power_growth`).

    Returns:
      A transformation without state; with a schedule `ScheduleState`.
    """
    _checks.non_negative("limit", limit, schedule=True)

    def init(params: Any) -> Any:
        return ScheduleState(jnp.zeros((), jnp.int32)) if callable(limit) else optax.EmptyState()

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        now = limit(state.count) if callable(limit) else limit
        clipped = jax.tree.map(lambda u: in_dtype(_clip(u, now), u.dtype), updates)
        return clipped, ScheduleState(optax.safe_increment(state.count)) if callable(limit) else state

    return Rule(init, update, by_leaf=True)


def _clip(x: jax.Array, limit: Any) -> jax.Array:
    if jnp.iscomplexobj(x):
        return jax.lax.complex(_clip(x.real, limit), _clip(x.imag, limit))
    return jnp.clip(x, -limit, limit)
