"""Damping: shrinking large elements of a gradient."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import lift, like
from optax_zoo.primitives.reductions import Reduction, broadcast_axis_names
from optax_zoo.primitives.stacked import Stacked, check_stacked, init_for, stacked_axes
from optax_zoo.primitives.statistics import absolute, square
from optax_zoo.primitives.types import AxisName


@primitive
def damp_by_max(*, axis_name: Any = None, stacked: Stacked = None) -> Rule:
    """Gravity's damping of each leaf by its largest element: g / (1 + (g max|g|)^2).

    The paper writes it with the max-step gradient m = 1 / max|g|, as g / (1 + (g / m)^2).

    Args:
      axis_name: mesh axes that leaves are sharded over, see `normalize_by_norm`.
      stacked: which axes of a leaf stack layers, each of which has a largest element; see `normalize_by_norm`.

    Returns:
      A stateless transformation.
    """
    check_stacked(stacked)

    def damp(x: Any, axis: AxisName, kept: tuple[int, ...]) -> jax.Array:
        g = lift(x)
        largest = Reduction([g], [axis], kept).max(absolute)
        # Changes the kernels alone: XLA:CPU would put the maximum, the damping and the average into one, and hand it
        # its scalars as arrays.
        largest = jnp.where(largest <= 0, 0, largest)
        return like(g / (1 + square(g * largest)), x)  # |g| again would be kept from the maximum: a temporary

    def update(updates: Any, state: optax.EmptyState, params: Any = None, **extra_args: Any) -> Any:
        leaves, treedef = jax.tree.flatten(updates)
        axes, kept = broadcast_axis_names(axis_name, updates), stacked_axes(stacked, updates)
        return jax.tree.unflatten(treedef, list(map(damp, leaves, axes, kept))), state

    return Rule(init_for(stacked), update, by_leaf=axis_name is None and stacked is None)
