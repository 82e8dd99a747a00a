"""Reductions that a norm is written over: bound to a leaf, its layers or the whole tree, and to mesh axes."""

import math
from collections.abc import Callable, Iterator, Sequence
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
      kept: axes of the arrays that are not reduced, because they stack layers: results keep them, and have length 1
        along all others. Without them results are scalars.
      scale: what the arrays are multiplied by before the function, a number that broadcasts against them, or None.

    Attributes:
      scale: the same number, tied to what was reduced last: XLA would keep an array of the product that two readers
        share, so the next reader multiplies anew.
    """

    def __init__(
        self,
        arrays: Sequence[jax.Array],
        axis_names: Sequence[AxisName],
        kept: tuple[int, ...] = (),
        scale: Any = None,
    ):
        self.arrays = arrays
        self._axis_names = axis_names
        self._kept = kept
        self.scale = scale

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a result."""
        if not self._kept:
            return ()
        return tuple(n if axis in self._kept else 1 for axis, n in enumerate(self.arrays[0].shape))

    @property
    def count(self) -> int:
        """The number of elements that are reduced to one; static, also over mesh axes."""
        return sum(across(jax.lax.psum, self._size(x), axis) for x, axis in self._shards())

    @property
    def is_complex(self) -> bool:
        """Whether any of the arrays is complex."""
        return any(map(jnp.iscomplexobj, self.arrays))

    @property
    def dtype(self) -> Any:
        """The real dtype that serves all of the arrays."""
        return jnp.finfo(jnp.result_type(*self.arrays)).dtype

    def sum(self, function: Elementwise) -> jax.Array:
        """Sum of `function` over all elements."""
        found = [self._tied(across(jax.lax.psum, self._each(jnp.sum, function, x), axis)) for x, axis in self._shards()]
        return self._tied(sum(found[1:], found[0])) if found else jnp.float32(0)

    def mean(self, function: Elementwise) -> jax.Array:
        """Mean of `function` over all elements; 0 where there are none."""
        return self.sum(function) / max(self.count, 1)

    def max(self, function: Elementwise) -> jax.Array:
        """Largest value of `function`; 0 where there are no elements."""
        return self._extremum(function, jnp.max, jax.lax.pmax, jnp.maximum)

    def min(self, function: Elementwise) -> jax.Array:
        """Smallest value of `function`; 0 where there are no elements."""
        return self._extremum(function, jnp.min, jax.lax.pmin, jnp.minimum)

    def _extremum(self, function: Elementwise, reduce: Any, collective: Any, join: Any) -> jax.Array:
        shards = [(x, axis) for x, axis in self._shards() if x.size]
        found = [self._tied(across(collective, self._each(reduce, function, x), axis)) for x, axis in shards]
        if not found:
            return self.sum(jnp.real)  # of no elements: zeros in the shape of a result
        result = found[0]
        for other in found[1:]:
            result = join(result, other)
        return self._tied(result)

    def _shards(self) -> Iterator[tuple[jax.Array, AxisName]]:
        return zip(self.arrays, self._axis_names, strict=True)

    def _each(self, reduce: Any, function: Elementwise, x: jax.Array) -> jax.Array:
        values = function(x if self.scale is None else x * self.scale)
        if not self._kept:
            return reduce(values)
        return reduce(values, axis=tuple(axis for axis in range(x.ndim) if axis not in self._kept), keepdims=True)

    def _tied(self, result: jax.Array) -> jax.Array:
        """A result that the scale of the next waits for: else XLA writes down arrays of scales that several share."""
        if self.scale is not None:
            self.scale, result = jax.lax.optimization_barrier((self.scale, result))
        return result

    def _size(self, x: jax.Array) -> int:
        return math.prod(length for axis, length in enumerate(x.shape) if axis not in self._kept)


def across(collective: Any, value: Any, axis_name: AxisName) -> Any:
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
