"""Learning rates made of another one, a number or a schedule."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.expressions import expression
from optax_zoo.primitives.precision import weak_float
from optax_zoo.primitives.types import Scalar


@dataclasses.dataclass(frozen=True)
class linear_warmup:  # noqa: N801  (used like a schedule function)
    """A rate that is reached in equal steps: rate min(1, t / steps), t = 1, 2, ...

    Args:
      rate: the rate, at least 0, or a schedule.
      steps: how many steps it takes, at least 1.
    """

    rate: optax.ScalarOrSchedule
    steps: Scalar

    def __post_init__(self) -> None:
        _checks.non_negative("rate", self.rate, schedule=True)
        _checks.scalar("steps", self.steps, "at least 1", lambda n: n >= 1)

    def __call__(self, count: jax.Array) -> Any:
        rate = self.rate(count) if callable(self.rate) else self.rate
        return rate * jnp.minimum(1, (weak_float(count) + 1) / self.steps)

    def __repr__(self) -> str:
        return f"linear_warmup({expression(self.rate, 'rate')}, {expression(self.steps, 'steps')})"


@dataclasses.dataclass(frozen=True)
class scaled_schedule:  # noqa: N801  (used like a schedule function)
    """A schedule times a factor.

    Args:
      schedule: a function of the number of steps taken.
      factor: a number at least 0.
    """

    schedule: optax.Schedule
    factor: Scalar

    def __post_init__(self) -> None:
        _checks.non_negative("factor", self.factor)

    def __call__(self, count: jax.Array) -> Any:
        return self.schedule(count) * self.factor

    def __repr__(self) -> str:
        return f"scaled_schedule({expression(self.schedule, 'schedule')}, {expression(self.factor, 'factor')})"


def scaled_rate(rate: optax.ScalarOrSchedule, factor: Scalar) -> Any:
    """A rate times a factor: a number, or a schedule of a schedule."""
    _checks.non_negative("learning_rate", rate, schedule=True)
    return scaled_schedule(rate, factor) if callable(rate) else rate * factor
