"""Estimates that are kept as what covers them: their largest values along each axis (SM3)."""

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import optax

from optax_zoo.primitives.denominators import debias_weight_through
from optax_zoo.primitives.factors import Covers
from optax_zoo.primitives.part import Rule, all_by_leaf, needs_of, primitive, update_of
from optax_zoo.primitives.stacked import Stacked, check_stacked, is_of_leaf, stacked_axes

Axes = tuple[tuple[int, ...], ...]  # of each cover, the axes that it is the largest over


@primitive
def covered(estimator: optax.GradientTransformation, *, stacked: Stacked = None) -> Rule:
    """An accumulated estimate that is kept as its largest values along each axis, of which the least stands for it.

    Of each index along each axis the largest estimate over all other axes is kept. In the next step an element starts
    from the least of those that cover it, which is at least what it was. So a matrix needs a number for each row and
    each column, and of what is kept in full a leaf of one axis or none.

    Args:
      estimator: an accumulator of what is not negative: `total(of=square)`, `ema(0.999, of=square)`.
      stacked: which axes of a leaf stack layers, see `normalize_by_norm`; each layer is covered by itself.

    Returns:
      An estimator with the state of the one inside, which has `Covers` in place of a tree.

    Raises:
      TypeError: from `init` for another estimator.
      ValueError: if `stacked` gives a leaf axes that it does not have.

    Source:
      R. Anil, V. Gupta, T. Koren, Y. Singer (2019): Memory-Efficient Adaptive Optimization.
    """
    check_stacked(stacked)
    update_estimate = update_of(estimator)

    def axes_of(tree: Any) -> list[Axes]:
        of_leaves = zip(jax.tree.leaves(tree), stacked_axes(stacked, tree), strict=True)
        return [_axes_of_covers(jnp.ndim(x), kept) for x, kept in of_leaves]

    def init(params: Any) -> Any:
        state: Any = estimator.init(params)
        if not hasattr(state, "value"):
            raise TypeError(f"estimator is {estimator!r}, but must be an ema or a total.")
        axes = axes_of(params)
        leaves, treedef = _flat(state.value)
        count = max(map(len, axes), default=0)
        none = [[jnp.zeros((1,) * x.ndim, x.dtype) for x in leaves] for _ in range(count)]
        return state._replace(value=_covers(state.value, axes, tuple(map(treedef.unflatten, none))))

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        axes, covers = axes_of(updates), state.value.axes
        of_leaves = zip(*map(jax.tree.leaves, covers), strict=True)
        least = [functools.reduce(jnp.minimum, own[: len(of)]) for own, of in zip(of_leaves, axes, strict=True)]
        value: Any = jax.tree.unflatten(jax.tree.structure(updates), least)
        estimate, after = update_estimate(updates, state._replace(value=value), params, **extra_args)
        return estimate, after._replace(value=_covers(after.value, axes, covers))

    def seen(tree: Any) -> list[str]:
        return [_said(jnp.shape(x), axes) for x, axes in zip(jax.tree.leaves(tree), axes_of(tree), strict=True)]

    debias_weight = debias_weight_through(estimator, lambda state: state)
    by_leaf = is_of_leaf(stacked) and all_by_leaf(estimator)
    return Rule(init, update, needs_of(estimator), debias_weight, by_leaf, seen=seen)


def _axes_of_covers(dimensions: int, kept: tuple[int, ...]) -> Axes:
    """The axes that each cover of a leaf is the largest over: all but those that stack layers and one of the others."""
    free = [axis for axis in range(dimensions) if axis not in kept]
    return tuple(tuple(other for other in free if other != axis) for axis in free) or ((),)


def _said(shape: tuple[int, ...], axes: Axes) -> str:
    """How many numbers are kept of a leaf: "768 + 2304 numbers"."""
    sizes = [math.prod(n for axis, n in enumerate(shape) if axis not in over) for over in axes]
    return f"{' + '.join(map(str, sizes))} numbers"


def _covers(value: Any, axes: list[Axes], before: tuple[Any, ...]) -> Covers:
    """The largest values of each leaf, in place of others."""
    leaves, treedef = _flat(value)

    def covers(number: int, tree: Any) -> Any:
        each = zip(leaves, axes, jax.tree.leaves(tree), strict=True)
        return treedef.unflatten([_cover(x, own[number]) if number < len(own) else old for x, own, old in each])

    return Covers(tuple(covers(number, tree) for number, tree in enumerate(before)))


def _cover(x: jax.Array, over: tuple[int, ...]) -> jax.Array:
    """The largest value over some axes."""
    return jnp.max(x, over, keepdims=True, initial=0) if over else x


def _flat(tree: Any) -> Any:
    return jax.tree.flatten(tree)
