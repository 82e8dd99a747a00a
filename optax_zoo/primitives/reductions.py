"""Reductions that a norm is written over: bound to a leaf or to the whole tree, and to mesh axes."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from optax_zoo.primitives.types import AxisName

Elementwise = Callable[[jax.Array], jax.Array]


class Reduction:
    """Sums, means and extrema of an elementwise function, over one or more arrays that may be sharded over mesh axes.

    Args:
      arrays: what is reduced, together: one leaf, or all leaves of a tree.
      axis_names: for each array the mesh axes (of `jax.shard_map` or `jax.pmap`) that it is sharded over, or None.
    """

    def __init__(self, arrays: Sequence[jax.Array], axis_names: Sequence[AxisName]):
        self._shards = list(zip(arrays, axis_names, strict=True))

    def sum(self, function: Elementwise) -> jax.Array:
        """Sum of `function` over all elements."""
        return sum((_across(jax.lax.psum, jnp.sum(function(x)), axis) for x, axis in self._shards), jnp.float32(0))

    def mean(self, function: Elementwise) -> jax.Array:
        """Mean of `function` over all elements; 0 where there are none."""
        size = sum(_across(jax.lax.psum, x.size, axis) for x, axis in self._shards)
        return self.sum(function) / max(size, 1)

    def max(self, function: Elementwise) -> jax.Array:
        """Largest value of `function`; 0 where there are no elements."""
        return self._extremum(function, jnp.max, jax.lax.pmax, jnp.maximum)

    def min(self, function: Elementwise) -> jax.Array:
        """Smallest value of `function`; 0 where there are no elements."""
        return self._extremum(function, jnp.min, jax.lax.pmin, jnp.minimum)

    def _extremum(self, function: Elementwise, reduce: Any, collective: Any, join: Any) -> jax.Array:
        found = [_across(collective, reduce(function(x)), axis) for x, axis in self._shards if x.size]
        result = found[0] if found else jnp.float32(0)
        for other in found[1:]:
            result = join(result, other)
        return result


def _across(collective: Any, value: Any, axis_name: AxisName) -> Any:
    return value if axis_name is None else collective(value, axis_name)


def broadcast_axis_names(axis_name: Any, tree: Any) -> list[AxisName]:
    """The axis names of each leaf of `tree`, from a pytree prefix of it of None, names or tuples of names."""
    flat: list[AxisName] = []

    def spread(name: AxisName, subtree: Any) -> None:
        flat.extend([name] * len(jax.tree.leaves(subtree)))

    jax.tree.map(spread, axis_name, tree, is_leaf=_is_axis_name)
    return flat


def _is_axis_name(node: Any) -> bool:
    return node is None or isinstance(node, str) or (isinstance(node, tuple) and all(isinstance(n, str) for n in node))
