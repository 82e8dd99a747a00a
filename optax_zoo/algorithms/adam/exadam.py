"""EXAdam, and its denominator."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16
from optax_zoo.moments import average_of
from optax_zoo.parts import decoupled_decay, ema, optional, parallel, primitive, serial, square
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.bias_correction import weight_after
from optax_zoo.primitives.part import Part, Rule, all_by_leaf, needs_of, update_of
from optax_zoo.primitives.precision import lift
from optax_zoo.primitives.roots import root_of
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


class CrossCorrectedState(NamedTuple):
    """State of `cross_corrected`.

    Attributes:
      estimator: the state of the average square.
      count: steps taken (int32 scalar).
    """

    estimator: Any
    count: Any


@primitive
def cross_corrected(estimator: Part, b1: Scalar, b2: Scalar, *, eps: Scalar = 1e-8, of: str = "numerator") -> Rule:
    """A denominator that corrects both averages for their start, each with a share of the other (EXAdam).

    With v the estimate, m the average in another slot, and t the step

        D = (1 - b1^t) (sqrt(v / (1 - b2^t) (1 + b1^t m^2 / (m^2 + eps))) + eps) / (1 + b2^t v / (v + eps)).

    Args:
      estimator: an average square of decay b2 that is not divided by its weight: `ema(0.999, of=square)`.
      b1: decay of the other average, in [0, 1).
      b2: decay of the average square, in [0, 1).
      eps: added outside the root, and to the divisors of both shares.
      of: the slot that keeps m; where it keeps several averages, with the name of one: "numerator.gradient".

    Returns:
      An estimator with state `CrossCorrectedState`, for a numerator that is not divided by its weight.
    """
    _checks.decay("b1", b1)
    _checks.decay("b2", b2)
    _checks.non_negative("eps", eps)
    slot, _, member = of.partition(".")
    update_estimate = update_of(estimator)

    def init(params: Any) -> CrossCorrectedState:
        return CrossCorrectedState(estimator.init(params), jnp.zeros((), jnp.int32))

    def share(x: jax.Array) -> jax.Array:
        """x / (x + eps), 0 where both are."""
        return x / jnp.where(x + eps == 0, 1, x + eps)

    def update(
        updates: Any,
        state: CrossCorrectedState,
        params: Any = None,
        *,
        slot_states: Mapping[str, Any] | None = None,
        **extra_args: Any,
    ) -> Any:
        if slot not in (slot_states or {}):
            raise ValueError(f"of is {of!r}, but must be one of the slots before: {', '.join(slot_states or ())}.")
        count: Any = optax.safe_increment(state.count)
        of_first, of_second = weight_after(b1, count), weight_after(b2, count)
        estimate, inner = update_estimate(updates, state.estimator, params, **extra_args)

        def corrected(v: jax.Array, m: jax.Array) -> jax.Array:
            scale = root_of(v / of_second * (1 + (1 - of_first) * share(square(lift(m))))) + eps
            return (of_first * scale / (1 + (1 - of_second) * share(v))).astype(v.dtype)

        average = average_of((slot_states or {})[slot], slot, member)
        return jax.tree.map(corrected, estimate, average), CrossCorrectedState(inner, count)

    return Rule(init, update, needs_of(estimator), by_leaf=all_by_leaf(estimator))


@algorithm(
    full_name="EXAdam: Adam with adaptive cross-moments",
    paper="Adly: EXAdam: The Power of Adaptive Cross-Moments",
    year=2024,
    url="https://arxiv.org/abs/2412.20302",
    example={"learning_rate": 5e-3},
    claims=("apart", "order", "rest", "scale", "sign"),
    expected_failures={"inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16},
    proof="an independent implementation",
)
def exadam(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Scalar = 0.9,
    b2: Scalar = 0.999,
    *,
    eps: Scalar = 1e-8,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""EXAdam: the average gradient and the gradient, over a root, with corrections that each average has of the other.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        d_t &= 1 + \beta_2^t \frac{v_t}{v_t + \epsilon}, \qquad e_t = 1 + \beta_1^t \frac{m_t^2}{m_t^2 + \epsilon} \\
        p_t &= p_{t-1} - \alpha_t \left( \frac{d_t (m_t + g_t) / (1 - \beta_1^t)}{\sqrt{e_t v_t / (1 - \beta_2^t)}
               + \epsilon} + \lambda p_{t-1} \right)

    Args:
      learning_rate: ... Default of the authors' code, like b1, b2 and eps.
      b1: decay of the average gradient, in [0, 1).
      b2: decay of the average squared gradient, in [0, 1).
      eps: added outside the root, and in the divisors of d and e.
      weight_decay: the coefficient lambda of decoupled decay, at least 0, or a schedule; None or 0 for none.

    State:
      `state["numerator"]["average"].value`: m, and `state["denominator"].estimator.value`: v, both shaped like the
      parameters; `state["denominator"].count`: steps taken (int32 scalar). 8 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.exadam(1e-3).slots["numerator"]
      parallel(average=ema(0.9), gradient=serial())

    Claim:
      Use it when you would use Adam, and want steps that follow the gradient of the moment more closely.

    Source:
      A. M. Adly (2024); AhmedMostafa16/EXAdam, and pytorch_optimizer 4.1.0, whose trajectories are replayed, and which
      agrees with it. While squares are far above eps, d and e are 1 + beta^t, and what remains of them after some
      thousand steps is the gradient beside its average: there a step is up to twice as long as Adam's at the same rate.
    """
    return pipeline(
        numerator=parallel(average=ema(b1, accumulator_dtype=accumulator_dtype), gradient=serial()),
        denominator=cross_corrected(ema(b2, of=square, accumulator_dtype=accumulator_dtype), b1, b2, eps=eps),
        learning_rate=learning_rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
    )
