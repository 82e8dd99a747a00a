"""Normalization by a norm that is averaged over the steps, and gradients raised to it."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from optax_zoo import _checks
from optax_zoo.primitives.norms import measure_leaves
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import lift, like, scalar_dtype
from optax_zoo.primitives.roots import root_of
from optax_zoo.primitives.sizes import Size, finite_norm, norm_of
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.statistics import is_by_leaf, leaf_sum, square, statistic_of, statistic_zeros
from optax_zoo.primitives.types import Scalar


class AverageNormState(NamedTuple):
    """State of `normalize_by_average_norm`.

    Attributes:
      mean_square: average squared norm, a scalar a leaf; of stacked layers one each.
      weight: the sum of the coefficients that it is divided by (scalar).
    """

    mean_square: Any
    weight: Any


@primitive
def normalize_by_average_norm(
    decay: Scalar = 0.995, *, eps: Scalar = 1e-7, axis_name: Any = None, stacked: Stacked = None
) -> Rule:
    """Divides each leaf by an l2 norm averaged over the steps (AdaSecant): u = g / (sqrt(n / w) + eps).

    n is the squared norm of the leaf's first gradient that is not 0, then n <- decay n + (1 - decay) norm(u)^2, and w
    its weight. What is averaged is the norm of the normalized u, as in AdaSecant's code: u starts with norm
    sqrt(1 - decay), and where the norm of g stands still, that of u tends to its root.

    A norm whose square is above the largest number of the state (in float32 a norm of 1.8e19) makes n infinite; from
    then on u is 0 in that leaf.

    Args:
      decay: of the average, in [0, 1).
      eps: added outside the root.
      axis_name: mesh axes that leaves are sharded over, see `normalize_by_norm`.
      stacked: which axes of a leaf stack layers, each of which has an average; see `normalize_by_norm`.

    Returns:
      A transformation with state `AverageNormState`.
    """
    _checks.decay("decay", decay)
    _checks.non_negative("eps", eps)

    square_norm = leaf_sum(square, axis_name, stacked)

    def init(params: Any) -> AverageNormState:
        return AverageNormState(statistic_zeros(square_norm, params), jnp.zeros((), scalar_dtype(params)))

    def update(updates: Any, state: AverageNormState, params: Any = None, **extra_args: Any) -> Any:
        sizes = statistic_of(square_norm, updates)
        weight = (decay * state.weight + (1 - decay)).astype(state.weight.dtype)
        seeded = jax.tree.map(lambda n, size: jnp.where(n == 0, size, n), state.mean_square, sizes)
        scales = jax.tree.map(lambda n: 1 / (root_of(n / weight) + eps), seeded)

        def average(n: jax.Array, size: jax.Array, scale: jax.Array) -> jax.Array:
            size = jnp.minimum(size, jnp.finfo(size.dtype).max)  # inf * 0 would be NaN
            return (decay * n + (1 - decay) * size * square(scale)).astype(n.dtype)

        mean_square = jax.tree.map(average, seeded, sizes, scales)
        return jax.tree.map(lambda x, c: like(lift(x) * c, x), updates, scales), AverageNormState(mean_square, weight)

    return Rule(init, update, by_leaf=is_by_leaf(square_norm))


class MeanNormState(NamedTuple):
    """State of `raise_to_average_norm`.

    Attributes:
      mean_norm: average norm, a scalar a leaf; of stacked layers one each.
    """

    mean_norm: Any


@primitive
def raise_to_average_norm(decay: Scalar = 0.95, *, axis_name: Any = None, stacked: Stacked = None) -> Rule:
    """Makes a leaf whose l2 norm is below its average over the steps as long as that (AdaNorm).

    With the average e <- decay e + (1 - decay) norm(x), which starts from 0, updates become x max(1, e / norm(x)); a
    leaf of zeros stays.

    Args:
      decay: of the average, in [0, 1).
      axis_name: mesh axes that leaves are sharded over, see `normalize_by_norm`.
      stacked: which axes of a leaf stack layers, each of which has an average; see `normalize_by_norm`.

    Returns:
      A transformation with state `MeanNormState`.
    """
    _checks.decay("decay", decay)
    measure, of_zeros = measure_leaves("l2", axis_name, stacked), leaf_sum(square, axis_name, stacked)

    def init(params: Any) -> MeanNormState:
        return MeanNormState(statistic_zeros(of_zeros, params))

    def average(size: Size, mean: jax.Array) -> jax.Array:
        return (decay * mean + (1 - decay) * finite_norm(size)).astype(mean.dtype)

    def lengthen(x: jax.Array, size: Size, mean: jax.Array) -> jax.Array:
        shorter = (size.norm >= size.least) & (mean > norm_of(size))
        unit = x * jnp.where(shorter, size.scale, 1) / jnp.where(shorter, size.norm, 1)
        return like(unit * jnp.where(shorter, mean, 1), x)

    def update(updates: Any, state: MeanNormState, params: Any = None, **extra_args: Any) -> Any:
        leaves, treedef = jax.tree.flatten(updates)
        sizes = measure(updates)
        means = list(map(average, sizes, jax.tree.leaves(state.mean_norm)))
        raised = list(map(lengthen, map(lift, leaves), sizes, means))
        return jax.tree.unflatten(treedef, raised), MeanNormState(jax.tree.unflatten(treedef, means))

    return Rule(init, update, by_leaf=is_by_leaf(of_zeros))
