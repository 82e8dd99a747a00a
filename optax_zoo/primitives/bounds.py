"""Bounds on the elementwise step size."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import lift, like, weak_float
from optax_zoo.primitives.types import Scalar


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
        weight = getattr((slot_states or {}).get("numerator"), "weight", 1)

        def bound(s: Any) -> jax.Array:
            return like(jnp.clip(learning_rate / weight * lift(s), lower, upper) * weight, s)

        return jax.tree.map(bound, updates), BoundState(count)

    return Rule(init, update, by_leaf=True)
