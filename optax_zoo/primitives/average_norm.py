"""Normalization by a norm that is averaged over the steps."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from optax_zoo import _checks
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import lift, like, scalar_dtype, zeros_for
from optax_zoo.primitives.roots import root_of
from optax_zoo.primitives.statistics import leaf_sum, square, statistic_of
from optax_zoo.primitives.types import Scalar


class AverageNormState(NamedTuple):
    """State of `normalize_by_average_norm`.

    Attributes:
      mean_square: average squared norm, a scalar a leaf.
      weight: the sum of the coefficients that it is divided by (scalar).
    """

    mean_square: Any
    weight: Any


@primitive
def normalize_by_average_norm(decay: Scalar = 0.995, *, eps: Scalar = 1e-7, axis_name: Any = None) -> Rule:
    """Divides each leaf by an l2 norm averaged over the steps (AdaSecant): u = g / (sqrt(n / w) + eps).

    n is the squared norm of the leaf's first gradient that is not 0, then n <- decay n + (1 - decay) norm(u)^2, and w
    its weight. What is averaged is the norm of the normalized u, as in AdaSecant's code: u starts with norm
    sqrt(1 - decay), and where the norm of g stands still, that of u tends to its root.

    Args:
      decay: of the average, in [0, 1).
      eps: added outside the root.
      axis_name: mesh axes that leaves are sharded over, see `normalize_by_norm`.

    Returns:
      A transformation with state `AverageNormState`.
    """
    _checks.decay("decay", decay)
    _checks.non_negative("eps", eps)

    def init(params: Any) -> AverageNormState:
        mean_square = jax.tree.map(lambda p: zeros_for(leaf_sum(square), p), params)
        return AverageNormState(mean_square, jnp.zeros((), scalar_dtype(params)))

    def update(updates: Any, state: AverageNormState, params: Any = None, **extra_args: Any) -> Any:
        sizes = statistic_of(leaf_sum(square, axis_name), updates)
        weight = (decay * state.weight + (1 - decay)).astype(state.weight.dtype)
        seeded = jax.tree.map(lambda n, size: jnp.where(n == 0, size, n), state.mean_square, sizes)
        scales = jax.tree.map(lambda n: 1 / (root_of(n / weight) + eps), seeded)

        def average(n: jax.Array, size: jax.Array, scale: jax.Array) -> jax.Array:
            return (decay * n + (1 - decay) * size * square(scale)).astype(n.dtype)

        mean_square = jax.tree.map(average, seeded, sizes, scales)
        return jax.tree.map(lambda x, c: like(lift(x) * c, x), updates, scales), AverageNormState(mean_square, weight)

    return Rule(init, update, by_leaf=axis_name is None)
