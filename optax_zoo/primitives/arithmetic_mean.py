"""The arithmetic mean over all steps."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from optax_zoo.primitives.dtypes import check_accumulator_dtype
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import in_dtype, scalar_dtype
from optax_zoo.primitives.statistics import identity, is_by_leaf, statistic_of, statistic_zeros
from optax_zoo.primitives.types import DType, Statistic


class ArithmeticMeanState(NamedTuple):
    """State of `arithmetic_mean`.

    Attributes:
      total: the sum of the statistic, a tree of arrays.
      count: how many steps the sum has seen: a float scalar for the tree, or a tree like `total` if sparse. It is kept
        in floating point because the sum is: both stop growing at the same size, and the mean stands still.
    """

    total: Any
    count: Any


@primitive
def arithmetic_mean(*, of: Statistic = identity, sparse: bool = False, accumulator_dtype: DType = None) -> Rule:
    """Arithmetic mean of a statistic over all steps: s <- s + f(x), n <- n + 1, s / n.

    Args:
      of: the statistic f of a leaf.
      sparse: count a step only where f(x) is not 0 (n per element); the mean of nothing is 0.
      accumulator_dtype: dtype of s and of a sparse n; by default the gradient's, at least float32.

    Returns:
      An estimator with state `ArithmeticMeanState`.
    """
    check_accumulator_dtype(accumulator_dtype, scale=of is not identity)

    def init(params: Any) -> ArithmeticMeanState:
        def zeros() -> Any:
            return statistic_zeros(of, params, accumulator_dtype)

        return ArithmeticMeanState(zeros(), zeros() if sparse else jnp.zeros((), scalar_dtype(params)))

    def update(updates: Any, state: ArithmeticMeanState, params: Any = None, **extra_args: Any) -> Any:
        f = statistic_of(of, updates)
        total = jax.tree.map(lambda f, s: (s + f).astype(s.dtype), f, state.total)
        if sparse:
            count = jax.tree.map(lambda f, n: n + (f != 0).astype(n.dtype), f, state.count)
            mean = jax.tree.map(lambda f, s, n: in_dtype(s / jnp.maximum(n, 1), f.dtype), f, total, count)
        else:
            count = state.count + 1
            share = 1 / count
            mean = jax.tree.map(lambda f, s: in_dtype(s * share, f.dtype), f, total)
        return mean, ArithmeticMeanState(total, count)

    return Rule(init, update, by_leaf=is_by_leaf(of))
