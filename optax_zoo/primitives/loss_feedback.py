"""Feedback from the loss (Eve): steps are the longer, the less the loss changes."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.denominators import debias_weight_through
from optax_zoo.primitives.expressions import expression
from optax_zoo.primitives.part import Rule, needs_of, primitive, update_of
from optax_zoo.primitives.precision import scalar_dtype
from optax_zoo.primitives.types import Scalar

Change = Callable[[jax.Array, jax.Array, jax.Array], tuple[jax.Array, jax.Array]]


@dataclasses.dataclass(frozen=True)
class relative_change:  # noqa: N801  (used like a function)
    """The change of the loss over its distance from its minimum, clipped: abs(f - f') / abs(min(f, f') - loss_min).

    Args:
      lower: the least value, above 0.
      upper: the largest value.
      loss_min: the minimum of the loss.
    """

    lower: float = 0.1
    upper: float = 10.0
    loss_min: float = 0.0

    def __post_init__(self) -> None:
        _checks.positive("lower", self.lower)
        _checks.positive("upper", self.upper)
        _checks.scalar("loss_min", self.loss_min, "finite", lambda x: True)

    def __call__(self, loss: jax.Array, previous: jax.Array, tracked: jax.Array) -> tuple[jax.Array, jax.Array]:
        tiny = jnp.finfo(loss.dtype).tiny  # 0 / 0 is 1
        distance = jnp.abs(jnp.minimum(loss, previous) - self.loss_min)
        change = (jnp.abs(loss - previous) + tiny) / (distance + tiny)
        return jnp.clip(change, self.lower, self.upper), loss

    def __repr__(self) -> str:
        lower, upper, loss_min = (expression(x, "number") for x in (self.lower, self.upper, self.loss_min))
        return f"relative_change({lower}, {upper}, {loss_min})"


@dataclasses.dataclass(frozen=True)
class tracked_change:  # noqa: N801  (used like a function)
    """The first form of Eve: the relative change of a tracked loss, multiplied each step by a bounded f / f'.

    Args:
      lower: the least relative change, above 0.
      upper: the largest.
    """

    lower: float = 0.1
    upper: float = 10.0

    def __post_init__(self) -> None:
        _checks.positive("lower", self.lower)
        _checks.positive("upper", self.upper)

    def __call__(self, loss: jax.Array, previous: jax.Array, tracked: jax.Array) -> tuple[jax.Array, jax.Array]:
        rose = loss > previous
        least = jnp.where(rose, self.lower + 1, 1 / (self.upper + 1))
        most = jnp.where(rose, self.upper + 1, 1 / (self.lower + 1))
        followed = tracked * jnp.clip(loss / previous, least, most)
        return jnp.abs(followed - tracked) / jnp.minimum(followed, tracked), followed


class FeedbackState(NamedTuple):
    """State of `loss_feedback`.

    Attributes:
      feedback: the average change of the loss (scalar).
      loss: the loss of the step before (scalar).
      tracked: what `change` keeps of the losses before (scalar).
      count: steps with a finite loss (int32 scalar).
      estimator: the state of the estimator.
    """

    feedback: jax.Array
    loss: jax.Array
    tracked: jax.Array
    count: Any
    estimator: Any


@primitive
def loss_feedback(
    estimator: optax.GradientTransformation,
    decay: Scalar = 0.999,
    *,
    change: Change = relative_change(),
    eps: Scalar = 0.0,
) -> Rule:
    """An estimate multiplied by the average change of the loss (Eve): s d + eps, d <- decay d + (1 - decay) change.

    d is 1 at the first step. A loss that is not finite leaves d and the loss before as they are.

    Args:
      estimator: an estimate of the scale, e.g. `root(ema(0.999, of=square))`.
      decay: of d, in [0, 1).
      change: from (loss, loss before, tracked) to (change, tracked): `relative_change` or `tracked_change`.
      eps: added after the multiplication.

    Returns:
      An estimator with state `FeedbackState`; its `update` needs `value=`, the loss.
    """
    _checks.decay("decay", decay)
    _checks.non_negative("eps", eps)
    update_estimate = update_of(estimator)

    def init(params: Any) -> FeedbackState:
        def one() -> jax.Array:
            return jnp.ones((), scalar_dtype(params))

        return FeedbackState(one(), one(), one(), jnp.zeros((), jnp.int32), estimator.init(params))

    def advance(state: FeedbackState, value: Any) -> FeedbackState:
        loss = jnp.asarray(value, state.loss.dtype)
        first, finite = state.count == 0, jnp.isfinite(loss)
        ratio, tracked = change(loss, jnp.where(first, loss, state.loss), jnp.where(first, loss, state.tracked))
        feedback = jnp.where(first, 1, decay * state.feedback + (1 - decay) * ratio)

        def if_finite(after: Any, before: jax.Array) -> jax.Array:
            return jnp.where(finite, after, before).astype(before.dtype)

        return state._replace(
            feedback=if_finite(feedback, state.feedback),
            loss=if_finite(loss, state.loss),
            tracked=if_finite(jnp.where(first, loss, tracked), state.tracked),
            count=if_finite(optax.safe_increment(state.count), state.count),
        )

    def update(updates: Any, state: FeedbackState, params: Any = None, *, value: Any = None, **extra_args: Any) -> Any:
        if value is None:
            raise TypeError("loss_feedback needs the loss: call update(grads, state, params, value=loss).")
        if jnp.ndim(value) != 0:
            raise ValueError(f"value has the shape {jnp.shape(value)}, but must be the loss, a scalar.")
        state = advance(state, value)
        estimate, inner = update_estimate(updates, state.estimator, params, value=value, **extra_args)
        scaled = jax.tree.map(lambda s: s * state.feedback + eps, estimate)
        return scaled, state._replace(estimator=inner)

    debias_weight = debias_weight_through(estimator, lambda state: state.estimator)
    return Rule(init, update, (*needs_of(estimator), "value"), debias_weight)
