"""What rates share that estimate themselves from the distance between start and solution."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from optax_zoo import _checks
from optax_zoo.primitives.overflow import bounded
from optax_zoo.primitives.precision import lift
from optax_zoo.primitives.reductions import Reduction, across, broadcast_axis_names
from optax_zoo.primitives.roots import root_of
from optax_zoo.primitives.scale import by_largest
from optax_zoo.primitives.statistics import square
from optax_zoo.primitives.types import AxisName


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


def product_of(x: Any, y: Any, axis_name: Any) -> Any:
    """The inner product of two trees, of which elements that are too large count as the largest whose cube is safe."""

    def of_leaf(x: jax.Array, y: jax.Array) -> jax.Array:
        return jnp.real(bounded(lift(x), 3).conj() * bounded(lift(y), 3))

    return sum_of(jax.tree.map(of_leaf, x, y), axis_name)


def norms_of(tree: Any, scope: str, axis_name: Any) -> Any:
    """The l2 norm of all leaves together (scope "tree"), or of each, right for every finite size."""

    def norm(over: Reduction, names: list[AxisName]) -> jax.Array:
        scale = by_largest(over)
        return root_of(Reduction(over.arrays, names, scale=scale).sum(square)) / scale

    return _of_scope(norm, tree, scope, axis_name)


def distances_of(tree: Any, other: Any, scope: str, axis_name: Any) -> Any:
    """The l2 norm of the difference of two trees of parameters."""
    gone = jax.tree.map(lambda x, y: lift(x) - lift(y), tree, other)
    return _of_scope(lambda over, names: root_of(over.sum(square)), gone, scope, axis_name)


def _of_scope(norm: Callable[[Reduction, list[AxisName]], jax.Array], tree: Any, scope: str, axis_name: Any) -> Any:
    """A norm of all leaves together, or of each."""
    leaves, treedef = jax.tree.flatten(tree)
    leaves, names = [lift(x) for x in leaves], broadcast_axis_names(axis_name, tree)
    if scope == "tree":
        return norm(Reduction(leaves, names), names)
    return jax.tree.unflatten(
        treedef, [norm(Reduction([x], [name]), [name]) for x, name in zip(leaves, names, strict=True)]
    )


def size_of(x: jax.Array) -> jax.Array:
    """The absolute value, whose derivative at 0 is 0: that of `jnp.abs` is 1, which a division by eps makes much of."""
    return jnp.abs(x) if jnp.iscomplexobj(x) else x * jnp.sign(x)
