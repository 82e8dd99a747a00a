"""Adam's bias correction as a factor, for averages that are not debiased one by one."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import weak_float
from optax_zoo.primitives.types import Scalar


class BiasCorrectionState(NamedTuple):
    """State of `scale_by_bias_correction`.

    Attributes:
      count: steps taken (int32 scalar).
    """

    count: Any


@primitive
def scale_by_bias_correction(b1: Scalar, b2: Scalar) -> Rule:
    r"""Multiplies updates by Adam's bias correction: :math:`\sqrt{1 - \beta_2^t} / (1 - \beta_1^t)`.

    It is what `debiased` does to numerator and denominator, where something stands between these and the correction.

    Args:
      b1: decay of the numerator, in [0, 1).
      b2: decay of the denominator's squares, in [0, 1).

    Returns:
      A transformation with state `BiasCorrectionState`.
    """
    _checks.decay("b1", b1)
    _checks.decay("b2", b2)

    def init(params: Any) -> BiasCorrectionState:
        return BiasCorrectionState(jnp.zeros((), jnp.int32))

    def update(updates: Any, state: BiasCorrectionState, params: Any = None, **extra_args: Any) -> Any:
        count = optax.safe_increment(state.count)
        factor = bias_correction(b1, b2, count)
        return jax.tree.map(lambda u: (u * factor).astype(u.dtype), updates), BiasCorrectionState(count)

    return Rule(init, update, by_leaf=True)


def bias_correction(b1: Scalar, b2: Scalar, count: Any) -> jax.Array:
    """The factor at a step; 1 - b^t by expm1, which rounding does not spoil."""
    first, second = (-jnp.expm1(weak_float(count) * jnp.log(b)) for b in (b1, b2))
    return jnp.sqrt(second) / first
