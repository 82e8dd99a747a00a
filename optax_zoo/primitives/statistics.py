"""Statistics that accumulators average: functions of one leaf, whose result's shape sets the granularity."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from optax_zoo.primitives.precision import lift
from optax_zoo.primitives.reductions import Reduction, broadcast_axis_names
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
    """The sum of an elementwise statistic over a leaf: one scalar a leaf (layer-wise methods).

    Args:
      of: the elementwise statistic, e.g. `square` for the squared l2 norm of the leaf.
      axis_name: mesh axes that leaves are sharded over under `jax.shard_map` or `jax.pmap`, see `normalize_by_norm`.
    """

    of: Statistic
    axis_name: Any = None

    def __call__(self, x: jax.Array) -> jax.Array:
        return jnp.sum(self.of(x))

    def of_tree(self, tree: Any) -> Any:
        """The sum of each leaf, over all its shards."""
        leaves, treedef = jax.tree.flatten(tree)
        axes = broadcast_axis_names(self.axis_name, tree)
        sums = [Reduction([lift(x)], [axis]).sum(self.of) for x, axis in zip(leaves, axes, strict=True)]
        return jax.tree.unflatten(treedef, sums)

    def __repr__(self) -> str:
        axes = "" if self.axis_name is None else ", axis_name=axis_name"
        return f"leaf_sum({self.of.__name__}{axes})"


def statistic_of(of: Statistic, tree: Any) -> Any:
    """A statistic of each leaf of a tree, low precision lifted to float32."""
    return of.of_tree(tree) if isinstance(of, leaf_sum) else jax.tree.map(lambda x: of(lift(x)), tree)


def is_by_leaf(of: Statistic) -> bool:
    """Whether a statistic of a leaf does not depend on where in the tree that leaf is."""
    return getattr(of, "axis_name", None) is None
