"""The learning rate: a number or a schedule, evaluated once a step, with the sign of descent."""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo.primitives.expressions import expression
from optax_zoo.primitives.precision import like


class ScheduleState(NamedTuple):
    """State of a learning rate that is a schedule.

    Attributes:
      count: steps taken (int32 scalar).
    """

    count: Any


@dataclasses.dataclass(frozen=True)
class handed:  # noqa: N801  (used like a function)
    """A learning rate that a stage before its slot has made use of: handed to all stages, not multiplied again.

    In the learning_rate slot it only changes the sign.

    Args:
      rate: a number or a schedule.
    """

    rate: Any

    def __repr__(self) -> str:
        return f"handed({expression(self.rate, 'rate')})"


def is_rate(value: Any) -> bool:
    """Whether a value is a rate (a number, an array, a schedule, or one `handed`) rather than a transformation."""
    return not isinstance(value, optax.GradientTransformation)


def plain_rate(rate: Any) -> Any:
    """The number, array or schedule behind a rate."""
    return rate.rate if isinstance(rate, handed) else rate


def init_rate(rate: Any) -> Any:
    """State of a rate: `ScheduleState`, or nothing for a constant."""
    rate = plain_rate(rate)
    return ScheduleState(jnp.zeros((), jnp.int32)) if callable(rate) else optax.EmptyState()


def evaluate_rate(rate: Any, state: Any) -> tuple[Any, Any]:
    """The rate of this step, and the next state."""
    rate = plain_rate(rate)
    if not callable(rate):
        return rate, state
    now = rate(state.count)
    if jnp.ndim(now) != 0:
        raise ValueError(f"learning_rate is a schedule that gave shape {jnp.shape(now)}, but must give a scalar.")
    return now, ScheduleState(optax.safe_increment(state.count))


def descend(updates: Any, rate: Any) -> Any:
    """-rate times updates, which are arrays in float32 or wider."""
    return jax.tree.map(lambda u: like(-rate * u, u), updates)
