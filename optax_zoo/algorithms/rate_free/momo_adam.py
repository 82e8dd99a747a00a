"""MoMo-Adam."""

from typing import Any

from optax import ScalarOrSchedule

from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16
from optax_zoo.parts import debiased, ema, optional, polyak_rate, proximal_decay, root, square
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="MoMo-Adam: Adam at Polyak's rate",
    paper="Schaipp, Ohana, Eickenberg, Defazio and Gower: MoMo: Momentum Models for Adaptive Learning Rates",
    year=2023,
    url="https://arxiv.org/abs/2305.07583",
    example={"learning_rate": 1e-2},
    claims=("order", "rest"),
    expected_failures={"inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16},
    proof="authors' code",
)
def momo_adam(
    learning_rate: ScalarOrSchedule = 1e-2,
    b1: Scalar = 0.9,
    b2: Decay = 0.999,
    *,
    eps: Scalar = 1e-8,
    loss_min: Scalar = 0.0,
    adapt_loss_min: bool = False,
    weight_decay: Scalar | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
    axis_name: Any = None,
) -> Pipeline:
    r"""Adam at the rate at which the average tangent of the loss f arrives at a lower bound of it, or a largest rate.

    With m and v as in Adam, and with averages of losses and products that are debiased likewise,

    .. math::

        u_t &= \frac{\hat m_t}{\sqrt{\hat v_t} + \epsilon}, \qquad
        \bar f_t = \beta_1 \bar f_{t-1} + (1 - \beta_1) f_t, \qquad
        \gamma_t = \beta_1 \gamma_{t-1} + (1 - \beta_1) \langle g_t, p_{t-1} \rangle \\
        \tau_t &= \min\left(\alpha_t, \frac{((1 + \alpha_t \lambda) (\hat f_t - f^* - \hat \gamma_t)
                  + \langle \hat m_t, p_{t-1} \rangle)_+}{\langle \hat m_t, u_t \rangle}\right), \qquad
        p_t = \frac{p_{t-1} - \tau_t u_t}{1 + \alpha_t \lambda}

    `update` reads the loss f from `value=`.

    Args:
      learning_rate: the largest rate alpha, at least 0, or a schedule. Default of the authors' code, like all that
        follow.
      b1: decay of the averages of gradients, losses and products, in [0, 1).
      loss_min: the lower bound f* of the loss.
      adapt_loss_min: estimate that bound, from `loss_min` upwards.
      weight_decay: the coefficient lambda of proximal decay, at least 0; None or 0 for none.

    State:
      `state["numerator"].estimator.value`: m, `state["denominator"].estimator.value`: v, shaped like the parameters;
      `.weight` of both: 1 - beta^t; `state["learning_rate"]`: `.loss` and `.product`: the debiased averages,
      `.loss_min`: the bound that is estimated (scalars), `.count`: steps taken (int32 scalar). 8 bytes a parameter.

    Raises:
      ValueError: for a number outside its range.
      TypeError: from `update`, where `value=` is missing.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.momo_adam().slots["learning_rate"]
      polyak_rate(0.01, 0.9)
      >>> zoo.adabelief().replace(learning_rate=zoo.polyak_rate(0.01, 0.9)).slots.keys()
      dict_keys(['numerator', 'denominator', 'learning_rate'])

    Claim:
      Use it when Adam is to need less of a search for its rate, and a lower bound of the loss is known, such as 0.

    Source:
      F. Schaipp et al. (2023); fabian-sp/MoMo, and optax.contrib, which both are replayed. The authors' option
      `divide=False` is `decay=decoupled_decay(weight_decay)`. optax lets the parameters decay, but not the step, as in
      `momo`.
    """
    return pipeline(
        numerator=debiased(ema(b1, accumulator_dtype=accumulator_dtype)),
        denominator=root(debiased(ema(b2, of=square, accumulator_dtype=accumulator_dtype)), eps=eps),
        learning_rate=polyak_rate(
            learning_rate,
            b1,
            loss_min=loss_min,
            adapt_loss_min=adapt_loss_min,
            weight_decay=weight_decay,
            axis_name=axis_name,
        ),
        decay=optional(proximal_decay, weight_decay, weight_decay_mask),
    )
