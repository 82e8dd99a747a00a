"""Adam's bias correction as a factor, for averages that are not debiased one by one."""

import math
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
def scale_by_bias_correction(b1: Scalar, b2: Scalar | None = None) -> Rule:
    r"""Multiplies updates by Adam's bias correction: :math:`\sqrt{1 - \beta_2^t} / (1 - \beta_1^t)`.

    It is what `debiased` does to numerator and denominator, where something stands between these and the correction.

    Args:
      b1: decay of the numerator, in [0, 1).
      b2: decay of the denominator's squares, in [0, 1); None where these are not to be corrected, or are already.

    Returns:
      A transformation with state `BiasCorrectionState`.
    """
    _checks.decay("b1", b1)
    if b2 is not None:
        _checks.decay("b2", b2)

    def init(params: Any) -> BiasCorrectionState:
        return BiasCorrectionState(jnp.zeros((), jnp.int32))

    def update(updates: Any, state: BiasCorrectionState, params: Any = None, **extra_args: Any) -> Any:
        count = optax.safe_increment(state.count)
        factor = bias_correction(b1, b2, count)
        return jax.tree.map(lambda u: (u * factor).astype(u.dtype), updates), BiasCorrectionState(count)

    return Rule(init, update, by_leaf=True)


def bias_correction(b1: Scalar, b2: Scalar | None, count: Any) -> jax.Array:
    """The factor at a step."""
    return jnp.sqrt(weight_after(0.0 if b2 is None else b2, count)) / weight_after(b1, count)


def weight_after(decay: Scalar, count: Any) -> jax.Array:
    """The weight of an average after some steps, 1 - decay^count, by expm1, which rounding does not spoil."""
    return -jnp.expm1(weak_float(count) * _logarithm(decay))


def _logarithm(decay: Scalar) -> Any:
    """Of a number of Python in float64: that of 0.999 in float32 is off by 3e-5."""
    if not isinstance(decay, (int, float)):
        return jnp.log(decay)
    return math.log(decay) if decay else -math.inf
