"""Powers of the step: decays that tend to 1, rates that fall, limits that grow."""

import dataclasses
import inspect
from typing import Any

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.expressions import call_expression, expression
from optax_zoo.primitives.precision import weak_float
from optax_zoo.primitives.types import Scalar


@dataclasses.dataclass(frozen=True)
class power_decay:  # noqa: N801  (used like a schedule function)
    """A decay that grows from 0 to its limit: min(1 - t^-power, limit), t = 1, 2, ... (Adafactor).

    The step at which t is 1 replaces what an average was before, so that it needs no correction.

    Args:
      power: how fast it grows, at least 0; at 1 the average is the arithmetic mean.
      limit: the largest decay, in [0, 1); None for none.
      start: t at the first step; below 1 it counts as 1, until t has grown to that.
      every: the t after which it is 1 again, at least 1 (SRMM); None for no restarts.
    """

    power: Scalar = 0.8
    limit: Scalar | None = None
    start: int = 1
    every: int | None = None

    def __post_init__(self) -> None:
        _checks.non_negative("power", self.power)
        if self.limit is not None:
            _checks.decay("limit", self.limit)
        _checks.scalar("start", self.start, "finite", lambda n: True)
        if self.every is not None:
            _checks.scalar("every", self.every, "at least 1", lambda n: n >= 1)

    def __call__(self, count: jax.Array) -> jax.Array:
        passed = count if self.every is None else (count % self.every + self.start - 1) % self.every
        t = weak_float(passed) + (self.start if self.every is None else 1)
        if self.every is None and self.start < 1:
            t = jnp.maximum(t, 1.0)
        decay = 1 - t**-self.power
        return decay if self.limit is None else jnp.minimum(decay, self.limit)

    def __repr__(self) -> str:
        return _call(self)


@dataclasses.dataclass(frozen=True)
class relative_rate:  # noqa: N801  (used like a schedule function)
    """A rate that falls as the root of the step: min(1 / sqrt(t), largest, warmup t), t = 1, 2, ... (Adafactor).

    Args:
      largest: the largest rate, at least 0, or a schedule; None for none.
      warmup: the rate of the first step, at least 0, from where it grows in proportion to t; None for no warm-up.
    """

    largest: optax.ScalarOrSchedule | None = 1e-2
    warmup: Scalar | None = None

    def __post_init__(self) -> None:
        if self.largest is not None:
            _checks.non_negative("largest", self.largest, schedule=True)
        if self.warmup is not None:
            _checks.non_negative("warmup", self.warmup)

    def __call__(self, count: Any) -> jax.Array:
        t = weak_float(count) + 1
        rate, largest = 1 / jnp.sqrt(t), self.largest(count) if callable(self.largest) else self.largest
        rate = rate if largest is None else jnp.minimum(rate, largest)
        return rate if self.warmup is None else jnp.minimum(rate, self.warmup * t)

    def __repr__(self) -> str:
        return _call(self)


@dataclasses.dataclass(frozen=True)
class power_growth:  # noqa: N801  (used like a schedule function)
    """A weight, a limit or an inverse temperature that grows as a power: scale (t + offset)^power, t = 1, 2, ...

    Args:
      power: how fast it grows, above 0.
      offset: at least -1, where it starts from 0.
      scale: above 0.
    """

    power: Scalar
    offset: Scalar = 0.0
    scale: Scalar = 1.0

    def __post_init__(self) -> None:
        _checks.positive("power", self.power)
        _checks.positive("scale", self.scale)
        _checks.scalar("offset", self.offset, "at least -1", lambda x: x >= -1)

    def __call__(self, count: jax.Array) -> jax.Array:
        return self.scale * (weak_float(count) + 1 + self.offset) ** self.power

    def __repr__(self) -> str:
        return _positional_call(self)


@dataclasses.dataclass(frozen=True)
class falling_rate:  # noqa: N801  (used like a schedule function)
    """A rate that falls as a power of the step: rate / (1 + decay rate t)^power, t = 0, 1, ... (averaged SGD).

    Args:
      rate: the rate of the first step, at least 0, or a schedule that is divided.
      decay: how soon it falls, at least 0: the strength of a penalty on the parameters, where there is one.
      power: how fast it falls, at least 0.
    """

    rate: optax.ScalarOrSchedule
    decay: Scalar = 1e-4
    power: Scalar = 0.75

    def __post_init__(self) -> None:
        _checks.non_negative("rate", self.rate, schedule=True)
        _checks.non_negative("decay", self.decay)
        _checks.non_negative("power", self.power)

    def __call__(self, count: Any) -> Any:
        rate = self.rate(count) if callable(self.rate) else self.rate
        return rate / (1 + self.decay * rate * weak_float(count)) ** self.power

    def __repr__(self) -> str:
        return _positional_call(self)


def _call(schedule: Any) -> str:
    """The call that makes a schedule, by keyword and without defaults."""
    given = {field.name: getattr(schedule, field.name) for field in dataclasses.fields(schedule)}
    defaults = {field.name: field.default for field in dataclasses.fields(schedule)}
    shown = [f"{name}={expression(value, name)}" for name, value in given.items() if value is not defaults[name]]
    return f"{type(schedule).__name__}({', '.join(shown)})"


def _positional_call(schedule: Any) -> str:
    """The call that makes a schedule, by position where that is short, and without numbers equal to the defaults."""
    given = [getattr(schedule, field.name) for field in dataclasses.fields(schedule)]
    return call_expression(type(schedule).__name__, inspect.signature(type(schedule)), *given)
