"""AdaBound and AMSBound."""

from typing import Any

import jax.numpy as jnp
import optax
from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16
from optax_zoo.parts import (
    already_applied,
    converging_bound,
    coupled_decay,
    debiased,
    ema,
    optional,
    root,
    running_max,
    square,
)
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="AdaBound: Adam with a dynamic bound",
    paper="Luo, Xiong, Liu and Sun: Adaptive Gradient Methods with Dynamic Bound of Learning Rate",
    year=2019,
    url="https://arxiv.org/abs/1902.09843",
    example={"learning_rate": 1e-2, "base_learning_rate": 1e-2, "final_lr": 1e-3},
    claims=("apart", "order", "rest", "sign"),
    expected_failures={"inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16},
    proof="authors' code",
)
def adabound(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    *,
    final_lr: Scalar = 0.1,
    gamma: Scalar = 1e-3,
    base_learning_rate: Scalar | None = None,
    eps: Scalar = 1e-8,
    eps_root: Scalar = 0.0,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""AdaBound: Adam whose elementwise rates are clipped to bounds that converge to the rate of gradient descent.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        \eta_t &= \mathrm{clip}\left( \frac{\alpha_t \sqrt{1 - \beta_2^t}}{1 - \beta_1^t}
                  \frac{1}{\sqrt{v_t + \epsilon_r} + \epsilon},\; f_t \left(1 - \frac{1}{\gamma t + 1}\right),\;
                  f_t \left(1 + \frac{1}{\gamma t}\right) \right), \qquad f_t = f \frac{\alpha_t}{\alpha_0} \\
        p_t &= p_{t-1} - \eta_t m_t

    Args:
      learning_rate: ... Default of the authors' code, like the others.
      final_lr: the rate f that the bounds converge to, above 0.
      gamma: how fast they do, above 0.
      base_learning_rate: the rate alpha_0 that final_lr belongs to, above 0; by default the learning rate, of a
        schedule its first. To be given where the learning rate is an array, a traced value or injected.
      eps: added outside the root, which is not corrected for its start.

    State:
      `state["numerator"].estimator.value`: m, and `state["denominator"].estimator.value`: v, shaped like the
      parameters; `.weight` of each slot: 1 - beta^t (scalar); `state["bound"].count`: steps taken (int32 scalar). 8
      bytes a parameter.

    Raises:
      ValueError: for a number outside its range, or without a base_learning_rate where it is needed.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.adabound(1e-3).slots["bound"]
      converging_bound(base_learning_rate=0.001)

    Claim:
      Use it when Adam is fast at first and generalizes worse than gradient descent in the end: it turns from the one
      into the other.

    Source:
      L. Luo et al. (2019); the authors' package adabound 0.0.5, which this follows: gamma is a hyperparameter of its
      own (1 - b2 in the paper), and the rate is not divided by the root of t. The paper's form is in the parity tests.
    """
    second_moment = ema(b2, of=square, accumulator_dtype=accumulator_dtype)
    return pipeline(
        gradient=optional(coupled_decay, weight_decay, weight_decay_mask),
        numerator=debiased(ema(b1, accumulator_dtype=accumulator_dtype)),
        denominator=debiased(root(second_moment, eps=eps, eps_root=eps_root)),
        bound=converging_bound(final_lr, gamma, base_learning_rate=_base(base_learning_rate, learning_rate)),
        learning_rate=already_applied(learning_rate),
    )


@algorithm(
    variant_of=adabound,
    full_name="AMSBound: AMSGrad with a dynamic bound",
)
def amsbound(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    *,
    final_lr: Scalar = 0.1,
    gamma: Scalar = 1e-3,
    base_learning_rate: Scalar | None = None,
    eps: Scalar = 1e-8,
    eps_root: Scalar = 0.0,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""AMSBound: AdaBound over the largest second moment so far.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2, \qquad
               \hat v_t = \max(\hat v_{t-1}, v_t) \\
        \eta_t &= \mathrm{clip}\left( \frac{\alpha_t \sqrt{1 - \beta_2^t}}{1 - \beta_1^t}
                  \frac{1}{\sqrt{\hat v_t + \epsilon_r} + \epsilon},\; f_t \left(1 - \frac{1}{\gamma t + 1}\right),\;
                  f_t \left(1 + \frac{1}{\gamma t}\right) \right), \qquad f_t = f \frac{\alpha_t}{\alpha_0} \\
        p_t &= p_{t-1} - \eta_t m_t

    State:
      As `adabound`; `state["denominator"].estimator.maximum`: the maximum, and `.estimator.estimator.value`: v. 12
      bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.amsbound(1e-3).slots["denominator"]
      debiased(root(running_max(ema(0.999, of=square))))

    Claim:
      Use it when AdaBound is wanted with step sizes that never grow, as AMSGrad has them.

    Source:
      As `adabound`, whose authors' package has it as the option amsbound.
    """
    plain = adabound(
        learning_rate,
        b1,
        b2,
        final_lr=final_lr,
        gamma=gamma,
        base_learning_rate=base_learning_rate,
        weight_decay=weight_decay,
        weight_decay_mask=weight_decay_mask,
        accumulator_dtype=accumulator_dtype,
    )
    largest = running_max(ema(b2, of=square, accumulator_dtype=accumulator_dtype))
    return plain.replace(denominator=debiased(root(largest, eps=eps, eps_root=eps_root)))


def _base(base_learning_rate: Any, learning_rate: Any) -> Any:
    """The rate that final_lr belongs to."""
    if not isinstance(learning_rate, optax.GradientTransformation):
        _checks.non_negative("learning_rate", learning_rate, schedule=True)
    if base_learning_rate is not None:
        return base_learning_rate
    if isinstance(learning_rate, optax.GradientTransformation) or not (
        callable(learning_rate) or _checks.is_number(learning_rate)
    ):
        raise ValueError(
            f"base_learning_rate is None, but must be given, above 0, where learning_rate is {learning_rate!r}: what "
            "final_lr belongs to cannot be read off an array or a traced value."
        )
    first = learning_rate(jnp.zeros((), jnp.int32)) if callable(learning_rate) else learning_rate
    if _checks.is_known_zero(first):
        raise ValueError("base_learning_rate is None, but must be given, above 0, where learning_rate starts at 0.")
    return first
