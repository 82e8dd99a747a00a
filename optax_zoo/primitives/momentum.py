"""Momentum: averages of updates that other stages have already shaped, and decays that grow."""

import dataclasses

import jax
import jax.numpy as jnp

from optax_zoo import _checks
from optax_zoo._suggestions import suggests
from optax_zoo.primitives.accumulators import ema
from optax_zoo.primitives.denominators import debiased
from optax_zoo.primitives.expressions import expression
from optax_zoo.primitives.part import Part
from optax_zoo.primitives.precision import weak_float
from optax_zoo.primitives.types import Decay, DType, Scalar


@suggests("argument of scale_by_ema")
def scale_by_ema(decay: Decay, *, debias: bool = True, nesterov: bool = False, accumulator_dtype: DType = None) -> Part:
    """Replaces updates by their exponential moving average: m <- decay m + (1 - decay) x, divided by its weight.

    Args:
      decay: in [0, 1), or a function of the number of steps taken.
      debias: divide by the weight, 1 - decay^t for a constant decay.
      nesterov: return the look-ahead decay m + (1 - decay) x.
      accumulator_dtype: dtype of m; by default the update's, at least float32.

    Returns:
      `debiased(ema(decay, ...))`, or `ema(decay, ...)` without `debias`.
    """
    average = ema(decay, nesterov=nesterov, accumulator_dtype=accumulator_dtype)
    return debiased(average) if debias else average


@dataclasses.dataclass(frozen=True)
class growing_decay:  # noqa: N801  (used like a schedule function)
    """A decay that grows from 1/2 to its limit: (limit t + 1) / (t + 2), t = start, start + 1, ... (Gravity).

    Args:
      limit: what the decay tends to, in [0, 1).
      start: t at the first step.
    """

    limit: Scalar
    start: int = 0

    def __post_init__(self) -> None:
        _checks.decay("limit", self.limit)
        _checks.non_negative("start", self.start)

    def __call__(self, count: jax.Array) -> jax.Array:
        t = weak_float(count) + self.start
        return (self.limit * t + 1) / (t + 2)

    def __repr__(self) -> str:
        start = f", start={self.start}" if self.start else ""
        return f"growing_decay({expression(self.limit, 'limit')}{start})"


@dataclasses.dataclass(frozen=True)
class warming_half_life:  # noqa: N801  (used like a schedule function)
    """A decay whose half-life grows in equal steps to that of its limit (AdEMAMix).

    With h(b) = log(1/2) / log(b) it is 2^(-1 / ((1 - a) h(start) + a h(limit))), a = min(1, t / steps), t = 1, 2, ...

    Args:
      limit: what the decay becomes, in [0, 1).
      start: what it grows from, in [0, 1).
      steps: how many steps it takes, at least 1.
    """

    limit: Scalar
    start: Scalar
    steps: Scalar

    def __post_init__(self) -> None:
        _checks.decay("limit", self.limit)
        _checks.decay("start", self.start)
        _checks.scalar("steps", self.steps, "at least 1", lambda n: n >= 1)

    def __call__(self, count: jax.Array) -> jax.Array:
        reached = jnp.minimum(1, (weak_float(count) + 1) / self.steps)
        start, limit = (1 / jnp.log(decay) for decay in (self.start, self.limit))
        return jnp.exp(1 / ((1 - reached) * start + reached * limit))

    def __repr__(self) -> str:
        shown = (expression(getattr(self, each.name), each.name) for each in dataclasses.fields(self))
        return f"warming_half_life({', '.join(shown)})"
