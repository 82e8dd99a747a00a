"""Rectification of a denominator as long as the average of squares behind it is young (RAdam)."""

import dataclasses
import math
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.expressions import expression
from optax_zoo.primitives.part import Rule, all_by_leaf, needs_of, primitive, update_of
from optax_zoo.primitives.precision import in_dtype, scalar_dtype, weak_float
from optax_zoo.primitives.states import filled
from optax_zoo.primitives.types import Decay, Scalar


class RectifiedState(NamedTuple):
    """State of `rectified`.

    Attributes:
      estimator: the state of the estimator.
      age: the mean age of what the average is made of, 1 for what is new (scalar, float32, float64 for float64 trees).
      weight: the sum of the coefficients that the average has seen (scalar).
      count: steps taken (int32 scalar); there is no such field where the decay does not depend on it.
    """

    estimator: Any
    age: jax.Array
    weight: jax.Array
    count: Any = None


@primitive
def rectified(
    estimator: optax.GradientTransformation,
    decay: Decay,
    *,
    threshold: Scalar = 5.0,
    otherwise: Literal["momentum", "still"] = "momentum",
    shorten: bool = True,
) -> Rule:
    """A denominator D made larger as long as the average behind it is young (RAdam): D / r, where r tends to 1.

    With rho, the length of the simple average of the same mean age, and its limit:

        rho = 2 age - 1,    limit = 2 / (1 - decay) - 1
        r^2 = (rho - 4) (rho - 2) limit / ((limit - 4) (limit - 2) rho)

    The age is kept as a recursion: 1 / (1 - decay) - t decay^t / (1 - decay^t), which it is after t steps, would lose
    four digits of float32 at a decay of 0.999.

    Args:
      estimator: the denominator, debiased inside: `root(debiased(ema(0.999, of=square)))`.
      decay: that of its average, in [0, 1), or a function of the number of steps taken.
      threshold: the rho from which on r is defined to be of use, at least 4.
      otherwise: what is returned up to there: "momentum": 1, so that the step is the numerator. "still": infinity, so
        that there is none.
      shorten: whether D is made larger; else it is D as soon as r is of use, for rows whose rate has the r of
        `rectified_schedule`.

    Returns:
      An estimator with state `RectifiedState`.
    """
    _checks.decay("decay", decay, schedule=True)
    _checks.scalar("threshold", threshold, "at least 4", lambda x: x >= 4)
    _checks.one_of("otherwise", otherwise, ["momentum", "still"])
    update_estimate = update_of(estimator)

    def init(params: Any) -> RectifiedState:
        def zero() -> jax.Array:
            return jnp.zeros((), scalar_dtype(params))

        count = jnp.zeros((), jnp.int32) if callable(decay) else None
        return filled(RectifiedState(estimator.init(params), zero(), zero(), count))

    def update(updates: Any, state: RectifiedState, params: Any = None, *, unit: Any = 1, **extra_args: Any) -> Any:
        now = decay(state.count) if callable(decay) else decay
        weight = (now * state.weight + (1 - now)).astype(state.weight.dtype)
        age = (1 + now * state.weight / weight * state.age).astype(state.age.dtype)
        count: Any = optax.safe_increment(state.count) if callable(decay) else None
        estimate, inner = update_estimate(updates, state.estimator, params, unit=unit, **extra_args)
        rho, limit = 2 * age - 1, 2 / (1 - now) - 1
        usable = rho >= threshold
        factor = 1 / _rectification(jnp.where(usable, rho, 5), jnp.where(usable, limit, 5)) if shorten else 1
        instead = unit if otherwise == "momentum" else jnp.inf
        scale = jax.tree.map(lambda d: in_dtype(jnp.where(usable, d * factor, instead), d.dtype), estimate)
        return scale, filled(RectifiedState(inner, age, weight, count))

    return Rule(init, update, needs_of(estimator), by_leaf=all_by_leaf(estimator))


@dataclasses.dataclass(frozen=True)
class rectified_schedule:  # noqa: N801  (used like a schedule function)
    """A rate times the r of `rectified`, for rows whose averages are weighted by the rate (schedule-free RAdam).

    Args:
      rate: a number at least 0, or a schedule.
      decay: that of the average of squares, above 0 and below 1.
      threshold: the rho from which on r is defined to be of use, at least 4.
      otherwise: what the rate is multiplied by up to there, at least 0.
    """

    rate: optax.ScalarOrSchedule
    decay: Scalar
    threshold: Scalar = 4.0
    otherwise: Scalar = 0.0

    def __post_init__(self) -> None:
        _checks.non_negative("rate", self.rate, schedule=True)
        _checks.scalar("decay", self.decay, "above 0 and below 1", lambda x: 0 < x < 1)
        _checks.scalar("threshold", self.threshold, "at least 4", lambda x: x >= 4)
        _checks.non_negative("otherwise", self.otherwise)

    def __call__(self, count: jax.Array) -> Any:
        rate = self.rate(count) if callable(self.rate) else self.rate
        log = math.log if _checks.is_number(self.decay) else jnp.log
        speed = -log(self.decay)
        age = 1 / (1 - self.decay) - 1 / speed - (weak_float(count) + 1) * _bose((weak_float(count) + 1) * speed)
        rho, limit = 2 * age - 1, 2 / (1 - self.decay) - 1
        usable = rho >= self.threshold
        r = _rectification(jnp.where(usable, rho, 5), jnp.where(usable, limit, 5))
        return rate * jnp.where(usable, r, self.otherwise)

    def __repr__(self) -> str:
        shown = [expression(self.rate, "rate"), expression(self.decay, "decay")]
        for name, default in {"threshold": 4.0, "otherwise": 0.0}.items():
            value = getattr(self, name)
            if not (_checks.is_number(value) and value == default):
                shown.append(f"{name}={expression(value, name)}")
        return f"rectified_schedule({', '.join(shown)})"


def _bose(x: jax.Array) -> jax.Array:
    """1 / (e^x - 1) - 1 / x for x > 0, by its series where the difference would lose digits."""
    near, far = jnp.where(x < 0.5, x, 0), jnp.where(x < 0.5, 1, x)
    odd = [1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160]
    series = -0.5 + sum(a * near ** (2 * k + 1) for k, a in enumerate(odd))
    return jnp.where(x < 0.5, series, 1 / jnp.expm1(far) - 1 / far)


def _rectification(rho: Any, limit: Any) -> Any:
    """How much shorter a step is than it will be when the average is as old as it gets."""
    return jnp.sqrt((rho - 4) / (limit - 4) * ((rho - 2) / (limit - 2)) * (limit / rho))
