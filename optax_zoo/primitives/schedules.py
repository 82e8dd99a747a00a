"""Learning rates made of another one, a number or a schedule."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.expressions import expression
from optax_zoo.primitives.precision import weak_float
from optax_zoo.primitives.types import Decay, Scalar


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
class restart_warmup:  # noqa: N801  (used like a schedule function)
    """A rate that grows again after each restart: rate (1 - (1 - start) (1 + cos(pi k / (steps + 1))) / 2).

    k counts from 0 at each step whose number is a multiple of `every`, up to steps; before the first restart, and from
    k = steps on, it is the rate itself.

    Args:
      rate: the rate, at least 0, or a schedule.
      every: how many steps after the other the restarts are, at least 1, see `restarted`.
      steps: how many steps it takes, at least 0.
      start: the share of the rate at a restart, at least 0 and at most 1.
    """

    rate: optax.ScalarOrSchedule
    every: Scalar
    steps: Scalar
    start: Scalar = 0.01

    def __post_init__(self) -> None:
        _checks.non_negative("rate", self.rate, schedule=True)
        _checks.scalar("every", self.every, "at least 1", lambda n: n >= 1)
        _checks.non_negative("steps", self.steps)
        _checks.scalar("start", self.start, "at least 0 and at most 1", lambda x: 0 <= x <= 1)

    def __call__(self, count: jax.Array) -> Any:
        rate = self.rate(count) if callable(self.rate) else self.rate
        t = weak_float(count) + 1
        since = t % self.every
        missing = (1 - self.start) * (1 + jnp.cos(jnp.pi * since / (self.steps + 1))) / 2
        return rate * (1 - jnp.where((t < self.every) | (since >= self.steps), 0, missing))

    def __repr__(self) -> str:
        given = [expression(getattr(self, name), name) for name in ("rate", "every", "steps")]
        given += [] if isinstance(self.start, float) and self.start == 0.01 else [expression(self.start, "start")]
        return f"restart_warmup({', '.join(given)})"


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


@dataclasses.dataclass(frozen=True)
class from_step:  # noqa: N801  (used like a schedule function)
    """A number, or a schedule, from a step on; 0 before it.

    Args:
      value: a number, or a function of the number of steps taken.
      start: how many steps are taken before.
    """

    value: Decay
    start: Scalar

    def __post_init__(self) -> None:
        _checks.scalar("value", self.value, "finite", lambda x: True, schedule=True)
        _checks.non_negative("start", self.start)

    def __call__(self, count: jax.Array) -> jax.Array:
        value = self.value(count) if callable(self.value) else self.value
        return jnp.where(count < self.start, 0.0, value)

    def __repr__(self) -> str:
        return f"from_step({expression(self.value, 'value')}, {expression(self.start, 'start')})"


def scaled_rate(rate: optax.ScalarOrSchedule, factor: Scalar) -> Any:
    """A rate times a factor: a number, or a schedule of a schedule."""
    _checks.non_negative("learning_rate", rate, schedule=True)
    return scaled_schedule(rate, factor) if callable(rate) else rate * factor
