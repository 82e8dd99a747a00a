"""The learning rate: a number or a schedule, evaluated once a step, with the sign of descent."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo.primitives.precision import lift, like


class ScheduleState(NamedTuple):
    """State of a learning rate that is a schedule.

    Attributes:
      count: steps taken (int32 scalar).
    """

    count: Any


def is_rate(value: Any) -> bool:
    """Whether a value is a rate (a number, an array or a schedule) rather than a transformation."""
    return not isinstance(value, optax.GradientTransformation)


def init_rate(rate: Any) -> Any:
    """State of a rate: `ScheduleState`, or nothing for a constant."""
    return ScheduleState(jnp.zeros((), jnp.int32)) if callable(rate) else optax.EmptyState()


def evaluate_rate(rate: Any, state: Any) -> tuple[Any, Any]:
    """The rate of this step, and the next state."""
    if callable(rate):
        return rate(state.count), ScheduleState(optax.safe_increment(state.count))
    return rate, state


def descend(updates: Any, rate: Any) -> Any:
    """-rate times updates."""
    return jax.tree.map(lambda u: like(-rate * lift(u), u), updates)
