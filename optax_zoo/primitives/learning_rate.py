"""The learning rate: a number or a schedule, evaluated once a step, with the sign of descent."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo.primitives.expressions import expression
from optax_zoo.primitives.part import Rule
from optax_zoo.primitives.precision import in_dtype


class ScheduleState(NamedTuple):
    """State of a learning rate that is a schedule.

    Attributes:
      count: steps taken (int32 scalar).
    """

    count: Any


@dataclasses.dataclass(frozen=True)
class already_applied:  # noqa: N801  (used like a function)
    """A learning rate that an earlier stage has multiplied by: all stages are given it, the step is not scaled again.

    In the learning_rate slot it only changes the sign.

    Args:
      rate: a number or a schedule.
    """

    rate: Any

    def __repr__(self) -> str:
        return f"already_applied({expression(self.rate, 'rate')})"


class Estimate(NamedTuple):
    """What a rate that estimates itself says of a step.

    Attributes:
      rate: the rate, which is handed to all parts and which the decay follows; None where leaves have their own.
      step: what the direction is multiplied by; the rate, unless numerators are weighted with it. A scalar, or a tree
        of them, one a leaf.
      numerator: what the gradient is multiplied by before the numerator.
      denominator: what the gradient is multiplied by before the denominator.
      direct: what it is multiplied by instead where the numerator is empty.
      unit: how large a gradient of 1 has become for the denominator, whose eps is multiplied by it.
    """

    rate: Any
    step: Any
    numerator: Any = 1
    denominator: Any = 1
    direct: Any = 1
    unit: Any = 1


class Told(NamedTuple):
    """What a rate that estimates itself is told of a finished step.

    Attributes:
      gradient: the gradient as it left the gradient slot.
      denominator: what that slot returned, or None.
      direction: what was multiplied by the rate.
      rate: the rate of the step.
      update: the step, after the decay.
      params: the parameters before it.
    """

    gradient: Any
    denominator: Any
    direction: Any
    rate: Any
    update: Any
    params: Any


class RateRule(Rule):
    """The rule of a learning rate that estimates itself, see `prodigy_rate`.

    Args:
      init: maps parameters to a state.
      estimate: maps `(gradient, state, params, **extra_args)` to (`Estimate`, state), before the step.
      conclude: maps (state, `Told`) to a state, after the step; None where nothing is learnt from it.
      needs: what `update` must be given beyond updates and state.
      of_direction: whether `estimate` is asked when the direction is known, and given that in place of the gradient,
        and what came out of the numerator as `numerator=`. The slots before learning_rate then have no rate.
    """

    def __init__(
        self,
        init: Callable[[Any], Any],
        estimate: Callable[..., tuple[Estimate, Any]],
        conclude: Callable[[Any, Told], Any] | None = None,
        needs: tuple[str, ...] = (),
        of_direction: bool = False,
    ):
        super().__init__(init, self._alone, needs)
        self.estimate = estimate
        self.conclude = conclude
        self.of_direction = of_direction

    def _alone(self, updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        """In an optax.chain: minus the rate times the updates."""
        if self.of_direction:
            extra_args = {"gradient": updates, **extra_args, "numerator": updates}
        estimate, state = self.estimate(updates, state, params, **extra_args)
        rate = estimate.step if estimate.rate is None else estimate.rate
        u = descend(updates, rate)
        told = Told(updates, None, updates, rate, u, params)
        return u, state if self.conclude is None else self.conclude(state, told)


def is_rate(value: Any) -> bool:
    """Whether a value is a rate (a number, an array, a schedule, an `already_applied`) rather than a transformation."""
    return not isinstance(value, optax.GradientTransformation)


def plain_rate(rate: Any) -> Any:
    """The number, array or schedule behind a rate."""
    return rate.rate if isinstance(rate, already_applied) else rate


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


def check_given(part: str, learning_rate: Any, slot_holds: str = "a number or a schedule") -> None:
    """Refuses a step of a part that reads the rate without one."""
    if learning_rate is None:
        raise TypeError(
            f"{part} needs the learning rate: fill the pipeline's learning_rate slot with {slot_holds}, or call "
            "update(updates, state, params, learning_rate=...)."
        )


def descend(updates: Any, rate: Any) -> Any:
    """-rate times updates, which are arrays in float32 or wider; the rate may be a tree of scalars, one a leaf."""
    return jax.tree.map(lambda r, part: jax.tree.map(lambda u: in_dtype(-r * u, u.dtype), part), rate, updates)
