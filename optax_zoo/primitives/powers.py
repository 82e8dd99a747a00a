"""Powers of the step: decays that tend to 1, rates that fall."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from optax_zoo import _checks
from optax_zoo.primitives.expressions import expression
from optax_zoo.primitives.precision import weak_float
from optax_zoo.primitives.types import Scalar


@dataclasses.dataclass(frozen=True)
class power_decay:  # noqa: N801  (used like a schedule function)
    """A decay that grows from 0 to its limit: min(1 - t^-power, limit), t = 1, 2, ... (Adafactor).

    The first step replaces what an average starts from, so that it needs no correction.

    Args:
      power: how fast it grows, at least 0; at 1 the average is the arithmetic mean.
      limit: the largest decay, in [0, 1); None for none.
    """

    power: Scalar = 0.8
    limit: Scalar | None = None

    def __post_init__(self) -> None:
        _checks.non_negative("power", self.power)
        if self.limit is not None:
            _checks.decay("limit", self.limit)

    def __call__(self, count: jax.Array) -> jax.Array:
        decay = 1 - (weak_float(count) + 1) ** -self.power
        return decay if self.limit is None else jnp.minimum(decay, self.limit)

    def __repr__(self) -> str:
        return _call(self)


@dataclasses.dataclass(frozen=True)
class relative_rate:  # noqa: N801  (used like a schedule function)
    """A rate that falls as the root of the step: min(1 / sqrt(t), largest, warmup t), t = 1, 2, ... (Adafactor).

    Args:
      largest: the largest rate, at least 0; None for none.
      warmup: the rate of the first step, at least 0, from where it grows in proportion to t; None for no warm-up.
    """

    largest: Scalar | None = 1e-2
    warmup: Scalar | None = None

    def __post_init__(self) -> None:
        for name, value in {"largest": self.largest, "warmup": self.warmup}.items():
            if value is not None:
                _checks.non_negative(name, value)

    def __call__(self, count: Any) -> jax.Array:
        t = weak_float(count) + 1
        rate = 1 / jnp.sqrt(t)
        rate = rate if self.largest is None else jnp.minimum(rate, self.largest)
        return rate if self.warmup is None else jnp.minimum(rate, self.warmup * t)

    def __repr__(self) -> str:
        return _call(self)


def _call(schedule: Any) -> str:
    """The call that makes a schedule, by keyword and without defaults."""
    given = {field.name: getattr(schedule, field.name) for field in dataclasses.fields(schedule)}
    defaults = {field.name: field.default for field in dataclasses.fields(schedule)}
    shown = [f"{name}={expression(value, name)}" for name, value in given.items() if value is not defaults[name]]
    return f"{type(schedule).__name__}({', '.join(shown)})"
