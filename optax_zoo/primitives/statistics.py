"""Statistics that accumulators average: functions of one leaf, whose result's shape sets the granularity."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from optax_zoo.primitives.expressions import expression
from optax_zoo.primitives.precision import lift, zeros_for
from optax_zoo.primitives.reductions import Reduction, broadcast_axis_names
from optax_zoo.primitives.stacked import Stacked, check_stacked, stacked_axes
from optax_zoo.primitives.types import Statistic


def identity(x: jax.Array) -> jax.Array:
    """The gradient itself."""
    return x


def square(x: jax.Array) -> jax.Array:
    """Elementwise square; of a complex leaf the squared modulus, which is real."""
    return (x * x.conj()).real if jnp.iscomplexobj(x) else x * x


def absolute(x: jax.Array) -> jax.Array:
    """Elementwise absolute value; of a complex leaf the modulus, which is real."""
    return jnp.abs(x)


@dataclasses.dataclass(frozen=True)
class leaf_sum:  # noqa: N801  (used like the functions above)
    """The sum of an elementwise statistic over a leaf: one scalar a leaf, or one a layer (layer-wise methods).

    Args:
      of: the elementwise statistic, e.g. `square` for the squared l2 norm of the leaf.
      axis_name: mesh axes that leaves are sharded over under `jax.shard_map` or `jax.pmap`, see `normalize_by_norm`.
      stacked: which axes of a leaf stack layers, see `normalize_by_norm`: the sums of a leaf (layers, in, out) have
        shape (layers, 1, 1).
    """

    of: Statistic
    axis_name: Any = None
    stacked: Stacked = None

    def __post_init__(self) -> None:
        check_stacked(self.stacked)

    def __call__(self, x: jax.Array) -> jax.Array:
        (axes,) = stacked_axes(self.stacked, x)
        return Reduction([x], [None], axes).sum(self.of)

    def of_tree(self, tree: Any) -> Any:
        """The sum of each leaf, over all its shards."""
        leaves, treedef = jax.tree.flatten(tree)
        of_leaves = zip(
            leaves, broadcast_axis_names(self.axis_name, tree), stacked_axes(self.stacked, tree), strict=True
        )
        return jax.tree.unflatten(
            treedef, [Reduction([lift(x)], [axis], kept).sum(self.of) for x, axis, kept in of_leaves]
        )

    def zeros_of_tree(self, tree: Any, accumulator_dtype: Any = None) -> Any:
        """Zeros in the shapes of the sums."""
        leaves, treedef = jax.tree.flatten(tree)
        of_leaves = zip(leaves, stacked_axes(self.stacked, tree), strict=True)
        return jax.tree.unflatten(treedef, [self._zeros(x, kept, accumulator_dtype) for x, kept in of_leaves])

    def _zeros(self, x: Any, kept: tuple[int, ...], accumulator_dtype: Any) -> jax.Array:
        """Zeros in the shape of the sums of a leaf, sharded along the axes kept as that is."""
        zeros = zeros_for(leaf_sum(self.of, stacked=kept), x, accumulator_dtype)
        if not kept:
            return zeros
        return jnp.zeros_like(Reduction([zeros_for(identity, x)], [None], kept).sum(self.of), dtype=zeros.dtype)

    def __repr__(self) -> str:
        axes = "" if self.axis_name is None else ", axis_name=axis_name"
        stacked = "" if self.stacked is None else f", stacked={expression(self.stacked, 'stacked')}"
        return f"leaf_sum({self.of.__name__}{axes}{stacked})"


def statistic_of(of: Statistic, tree: Any) -> Any:
    """A statistic of each leaf of a tree in float32 or wider."""
    return of.of_tree(tree) if isinstance(of, leaf_sum) else jax.tree.map(of, tree)


def statistic_zeros(of: Statistic, tree: Any, accumulator_dtype: Any = None) -> Any:
    """Zeros in the shapes of a statistic of each leaf, see `zeros_for`."""
    if isinstance(of, leaf_sum):
        return of.zeros_of_tree(tree, accumulator_dtype)
    return jax.tree.map(lambda x: zeros_for(of, x, accumulator_dtype), tree)


def is_by_leaf(of: Statistic) -> bool:
    """Whether a statistic of a leaf does not depend on where in the tree that leaf is."""
    return getattr(of, "axis_name", None) is None and getattr(of, "stacked", None) is None
