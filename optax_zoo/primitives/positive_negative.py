"""Positive-negative momentum (PNM)."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.dtypes import check_accumulator_dtype
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import in_dtype_of, zeros_for
from optax_zoo.primitives.statistics import identity
from optax_zoo.primitives.types import DType, Scalar


class PositiveNegativeState(NamedTuple):
    """State of `positive_negative`.

    Attributes:
      odd: the average of the gradients of steps 1, 3, 5 and so on, a tree of arrays (float32 or wider).
      even: that of steps 2, 4, 6 and so on.
      count: steps taken (int32 scalar).
    """

    odd: Any
    even: Any
    count: Any


@primitive
def positive_negative(decay: Scalar, negative: Scalar = 1.0, *, accumulator_dtype: DType = None) -> Rule:
    r"""Positive-negative momentum: the average gradient of every other step, less that of the steps between.

    .. math::

        m_t &= \beta^2 m_{t-2} + (1 - \beta^2) x_t \\
        u_t &= \frac{(1 + \beta_0) m_t - \beta_0 m_{t-1}}{\sqrt{(1 + \beta_0)^2 + \beta_0^2}}

    The weights sum to 1 before the division, which makes the noise of u as large as that of m: what gradients share
    passes, smaller by this root, and what is noise in them is mixed anew.

    Args:
      decay: beta, in [0, 1).
      negative: :math:`\beta_0`, the weight of the average that is subtracted, at least 0.
      accumulator_dtype: dtype of the averages; by default the gradient's, at least float32.

    Returns:
      An estimator with state `PositiveNegativeState`. `debiased` divides it by :math:`1 - \beta^t`, as its authors do.

    Source:
      Z. Xie et al. (2021): Positive-Negative Momentum: Manipulating Stochastic Gradient Noise to Improve
      Generalization.
    """
    _checks.decay("decay", decay)
    _checks.non_negative("negative", negative)
    check_accumulator_dtype(accumulator_dtype, scale=False)
    squared = decay * decay
    size = ((1 + negative) ** 2 + negative**2) ** 0.5

    def init(params: Any) -> PositiveNegativeState:
        def zeros() -> Any:
            return jax.tree.map(lambda p: zeros_for(identity, p, accumulator_dtype), params)

        return PositiveNegativeState(zeros(), zeros(), jnp.zeros((), jnp.int32))

    def update(updates: Any, state: PositiveNegativeState, params: Any = None, **extra_args: Any) -> Any:
        is_odd = state.count % 2 == 0

        def averaged(now: Any, averages: Any) -> Any:
            return jax.tree.map(
                lambda x, m: jnp.where(now, squared * m + (1 - squared) * x, m).astype(m.dtype), updates, averages
            )

        odd, even = averaged(is_odd, state.odd), averaged(~is_odd, state.even)
        positive, negated = (1 + negative) / size, -negative / size
        of_odd, of_even = jnp.where(is_odd, positive, negated), jnp.where(is_odd, negated, positive)
        made = jax.tree.map(lambda x, m, n: in_dtype_of(of_odd * m + of_even * n, x), updates, odd, even)
        return made, PositiveNegativeState(odd, even, optax.safe_increment(state.count))

    def debias_weight(weight: jax.Array, state: PositiveNegativeState) -> tuple[jax.Array, jax.Array]:
        weight = (decay * weight + (1 - decay)).astype(weight.dtype)
        return weight, weight

    return Rule(init, update, debias_weight=debias_weight, by_leaf=True)
