"""Second moments of matrices from those of their rows and columns (Adafactor)."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from optax_zoo import _checks
from optax_zoo.primitives.denominators import debias_weight_through
from optax_zoo.primitives.dtypes import check_accumulator_dtype
from optax_zoo.primitives.factors import Factors
from optax_zoo.primitives.overflow import bounded
from optax_zoo.primitives.part import Rule, all_by_leaf, needs_of, primitive, update_of
from optax_zoo.primitives.precision import in_dtype, zeros_for
from optax_zoo.primitives.roots import root_of
from optax_zoo.primitives.stacked import Stacked, check_stacked, is_of_leaf, stacked_axes
from optax_zoo.primitives.statistics import identity, square
from optax_zoo.primitives.types import Scalar, Statistic

Axes = tuple[int, int] | None


@primitive
def factored(
    estimator: optax.GradientTransformation,
    *,
    of: Statistic = square,
    eps: Scalar = 1e-30,
    min_size: int | None = None,
    stacked: Stacked = None,
) -> Rule:
    """An estimate for each element of a matrix, from estimates for its rows and columns alone: R C / mean(R).

    R and C are what the estimator makes of the means of f(x) + eps over the rows and over the columns of a leaf x. The
    product is exact where the f(x) have rank one, and has their means. A leaf of fewer than two axes is not factored:
    there the estimator sees f(x) + eps.

    Args:
      estimator: makes an estimate of each number, e.g. `ema(0.999)`, `total()`.
      of: the elementwise statistic f, which is not negative.
      eps: added to the statistic, at least 0.
      min_size: a leaf of fewer rows or fewer columns is not factored, at least 1; None for no such limit.
      stacked: which axes of a leaf stack matrices, see `normalize_by_norm`. The last two of the others are rows and
        columns; further axes stack matrices, too. `but_longest()`: the two longest are.

    Returns:
      An estimator with the state of the one inside, which has `Factors` in place of a tree.

    Raises:
      TypeError: if min_size is no int.
      ValueError: if `stacked` gives a leaf axes that it does not have; for an estimator that averages in float16.
    """
    _checks.non_negative("eps", eps)
    _check_min_size(min_size)
    check_stacked(stacked)
    for leaf in jax.tree.leaves(jax.eval_shape(estimator.init, jnp.zeros(()))):
        if jnp.issubdtype(leaf.dtype, jnp.floating):
            check_accumulator_dtype(leaf.dtype)  # the estimator does not know that it is given squares
    update_estimate = update_of(estimator)

    def axes_of(tree: Any) -> list[Axes]:
        of_leaves = zip(jax.tree.leaves(tree), stacked_axes(stacked, tree), strict=True)
        return [_matrix(np.shape(x), kept, min_size) for x, kept in of_leaves]

    def factors(tree: Any, axes: list[Axes], eps: Any) -> Factors:
        leaves, treedef = jax.tree.flatten(tree)
        both = [_factors(of(bounded(x)), own, eps) for x, own in zip(leaves, axes, strict=True)]
        rows, columns = zip(*both, strict=True) if both else ((), ())
        return Factors(jax.tree.unflatten(treedef, rows), jax.tree.unflatten(treedef, columns))

    def init(params: Any) -> Any:
        axes = axes_of(params)
        return estimator.init(factors(jax.tree.map(lambda p: zeros_for(identity, p), params), axes, 0))

    def update(updates: Any, state: Any, params: Any = None, *, unit: Any = 1, **extra_args: Any) -> Any:
        axes = axes_of(updates)
        inside = factors(updates, axes, eps if isinstance(unit, int) else eps * unit * unit)
        estimate, state = update_estimate(inside, state, unit=unit, **extra_args)
        rows, columns = jax.tree.leaves(estimate.rows), jax.tree.leaves(estimate.columns)
        return jax.tree.unflatten(jax.tree.structure(updates), list(map(_product, rows, columns, axes))), state

    def seen(tree: Any) -> list[str]:
        return [_said(np.shape(x), axes) for x, axes in zip(jax.tree.leaves(tree), axes_of(tree), strict=True)]

    debias_weight = debias_weight_through(estimator, lambda state: state)
    by_leaf = is_of_leaf(stacked) and all_by_leaf(estimator)
    return Rule(init, update, needs_of(estimator), debias_weight, by_leaf, seen=seen)


def _check_min_size(min_size: Any) -> None:
    if min_size is None:
        return
    _checks.scalar("min_size", min_size, "at least 1", lambda x: x >= 1)
    if not isinstance(min_size, int):
        allowed = "an int that is known before the step is traced"
        hint = " Under optax.inject_hyperparams name it in static_args."
        raise _checks.refusal(TypeError, _checks.Refused("min_size", min_size, allowed, hint))


def _matrix(shape: tuple[int, ...], kept: tuple[int, ...], min_size: int | None) -> Axes:
    """The axes along which a leaf has rows and columns, or None where it is not factored."""
    axes = [axis for axis in range(len(shape)) if axis not in kept][-2:]
    return (axes[0], axes[1]) if len(axes) == 2 and min(shape[axis] for axis in axes) >= (min_size or 1) else None


def _said(shape: tuple[int, ...], axes: Axes) -> str:
    """What is kept of a leaf: "rows 768, columns 2304", "12 of rows 768, columns 2304" of stacked matrices."""
    if axes is None:
        return "not factored"
    matrices = math.prod(n for axis, n in enumerate(shape) if axis not in axes)
    return f"{matrices} of " * (len(shape) > 2) + f"rows {shape[axes[0]]}, columns {shape[axes[1]]}"


def _factors(f: jax.Array, axes: Axes, eps: Any) -> tuple[jax.Array, jax.Array]:
    """The means of a statistic over the rows and the columns of a leaf."""
    if axes is None:
        return in_dtype(f + eps, f.dtype), jnp.zeros((1,) * f.ndim, f.dtype)
    row, column = axes
    return in_dtype(_mean(f, column) + eps, f.dtype), in_dtype(_mean(f, row) + eps, f.dtype)


def _mean(x: jax.Array, axis: int) -> jax.Array:
    """The mean along an axis, which no sum on the way there exceeds."""
    return jnp.sum(x * (1 / x.shape[axis]), axis, keepdims=True)


def _product(rows: jax.Array, columns: jax.Array, axes: Axes) -> jax.Array:
    """The estimate for each element."""
    if axes is None:
        return rows
    mean = _mean(rows, axes[0])
    share = root_of(rows) / jnp.where(mean == 0, 1, root_of(mean))  # the derivative of a quotient squares its divisor
    return square(share * root_of(columns))  # the square of a share may be too small where the product is not
