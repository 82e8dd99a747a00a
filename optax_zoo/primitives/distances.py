"""What rates share that estimate themselves from the distance between start and solution."""

from typing import Any

import jax
import jax.numpy as jnp

from optax_zoo import _checks
from optax_zoo.primitives.reductions import across, broadcast_axis_names


def check_growth(growth_rate: Any) -> None:
    """Refuses a growth rate that is not above 1; infinity is no limit."""
    if not _is_unlimited(growth_rate):
        _checks.scalar("growth_rate", growth_rate, "above 1", lambda x: x > 1)


def most_grown(distance: Any, growth_rate: Any) -> Any:
    """What a distance may grow to; an infinite product would have no derivative."""
    return growth_rate if _is_unlimited(growth_rate) else distance * growth_rate


def _is_unlimited(growth_rate: Any) -> bool:
    return _checks.is_number(growth_rate) and growth_rate == float("inf")


def sum_of(tree: Any, axis_name: Any) -> Any:
    """The sum over all elements of a tree."""
    names = broadcast_axis_names(axis_name, tree)
    return sum(across(jax.lax.psum, jnp.sum(x), name) for x, name in zip(jax.tree.leaves(tree), names, strict=True))


def size_of(x: jax.Array) -> jax.Array:
    """The absolute value, whose derivative at 0 is 0: that of `jnp.abs` is 1, which a division by eps makes much of."""
    return jnp.abs(x) if jnp.iscomplexobj(x) else x * jnp.sign(x)
