"""Bounds on the elementwise step size."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.moments import weight_of
from optax_zoo.primitives.dtypes import check_accumulator_dtype
from optax_zoo.primitives.learning_rate import check_given
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import lift, like, weak_float, zeros_for
from optax_zoo.primitives.statistics import square
from optax_zoo.primitives.types import DType, Scalar


class BoundState(NamedTuple):
    """State of `converging_bound`.

    Attributes:
      count: steps taken (int32 scalar).
    """

    count: Any


@primitive
def converging_bound(
    final_lr: Scalar = 0.1, gamma: Scalar = 1e-3, *, base_learning_rate: Scalar, eps: Scalar = 0.0
) -> Rule:
    """AdaBound's bound: the elementwise rate clipped between two limits that converge to a final rate.

    With s = 1 / denominator, the rate alpha of this step, the weight w of the numerator (1 if it is not debiased) and
    f = final_lr alpha / base_learning_rate, at step t

        alpha s / w  is clipped to  f (1 - 1 / (gamma t + 1))  and  f (1 + 1 / (gamma t + eps)),

    and multiplied by w, since the numerator has been divided by it. It makes use of the rate, so that the pipeline's
    learning_rate is `already_applied`.

    Args:
      final_lr: the rate of gradient descent that the bounds converge to, above 0.
      gamma: how fast they do, above 0.
      base_learning_rate: the rate that final_lr belongs to, above 0: where a schedule lowers the rate below it, both
        bounds fall in proportion.
      eps: added to gamma t in the upper bound.

    Returns:
      A transformation of step sizes for the slot bound, with state `BoundState`.
    """
    _checks.positive("final_lr", final_lr)
    _checks.positive("gamma", gamma)
    _checks.positive("base_learning_rate", base_learning_rate)
    _checks.non_negative("eps", eps)

    def init(params: Any) -> BoundState:
        return BoundState(jnp.zeros((), jnp.int32))

    def update(
        updates: Any,
        state: BoundState,
        params: Any = None,
        *,
        learning_rate: Any = None,
        slot_states: Any = None,
        **extra_args: Any,
    ) -> Any:
        if learning_rate is None:
            raise TypeError(
                "converging_bound needs the rate: fill the pipeline's learning_rate slot with already_applied(rate)."
            )
        count = optax.safe_increment(state.count)
        final = final_lr * learning_rate / base_learning_rate
        passed = gamma * weak_float(count)
        lower, upper = final * passed / (passed + 1), final * (1 + 1 / (passed + eps))  # 1 - 1 / (t + 1) would cancel
        weight = weight_of((slot_states or {}).get("numerator"))

        def bound(s: Any) -> jax.Array:
            return like(jnp.clip(learning_rate / weight * lift(s), lower, upper) * weight, s)

        return jax.tree.map(bound, updates), BoundState(count)

    return Rule(init, update, by_leaf=True)


class AverageBoundState(NamedTuple):
    """State of `bound_by_average`.

    Attributes:
      value: the average elementwise rate, a tree of arrays (float32 or wider unless told otherwise).
    """

    value: Any


@primitive
def bound_by_average(decay: Scalar, *, accumulator_dtype: DType = None) -> Rule:
    """AdaMod's bound: the elementwise rate is at most its average, eta <- min(eta, a), a <- decay a + (1 - decay) eta.

    With s = 1 / denominator, the rate alpha of this step and the weight w of the numerator (1 if it is not debiased),
    eta is alpha s / w; what comes of it is multiplied by w, since the numerator has been divided by it. The average
    starts from 0, so that rates warm up. It makes use of the rate, so that the pipeline's learning_rate is
    `already_applied`.

    Args:
      decay: of the average, in [0, 1).
      accumulator_dtype: dtype of the average; by default the gradient's, at least float32.

    Returns:
      A transformation of step sizes for the slot bound, with state `AverageBoundState`.
    """
    _checks.decay("decay", decay)
    check_accumulator_dtype(accumulator_dtype)

    def init(params: Any) -> AverageBoundState:
        return AverageBoundState(jax.tree.map(lambda p: zeros_for(square, p, accumulator_dtype), params))

    def update(
        updates: Any,
        state: AverageBoundState,
        params: Any = None,
        *,
        learning_rate: Any = None,
        slot_states: Any = None,
        **extra_args: Any,
    ) -> Any:
        check_given("bound_by_average", learning_rate, "already_applied(rate)")
        weight = weight_of((slot_states or {}).get("numerator"))
        rates = jax.tree.map(lambda s: learning_rate / weight * lift(s), updates)
        average = jax.tree.map(lambda r, a: (decay * a + (1 - decay) * r).astype(a.dtype), rates, state.value)
        least = jax.tree.map(lambda r, a, s: like(jnp.minimum(r, a) * weight, s), rates, average, updates)
        return least, AverageBoundState(average)

    return Rule(init, update, by_leaf=True)
