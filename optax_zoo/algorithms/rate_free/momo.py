"""MoMo."""

from typing import Any, Literal

from optax import ScalarOrSchedule

from optax_zoo.parts import debiased, ema, optional, polyak_rate, proximal_decay
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="MoMo: momentum models for adaptive rates",
    paper="Schaipp, Ohana, Eickenberg, Defazio and Gower: MoMo: Momentum Models for Adaptive Learning Rates",
    year=2023,
    url="https://arxiv.org/abs/2305.07583",
    example={"learning_rate": 1e-2},
    claims=("order", "rest"),
    proof="authors' code",
)
def momo(
    learning_rate: ScalarOrSchedule = 1.0,
    b1: Scalar = 0.9,
    *,
    loss_min: Scalar = 0.0,
    adapt_loss_min: bool = False,
    bias_correction: bool = False,
    weight_decay: Scalar | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
    axis_name: Any = None,
) -> Pipeline:
    r"""Averaged gradients at the rate at which the average of their tangents arrives at a lower bound of the loss f.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad \bar f_t = \beta_1 \bar f_{t-1} + (1 - \beta_1) f_t, \qquad
        \gamma_t = \beta_1 \gamma_{t-1} + (1 - \beta_1) \langle g_t, p_{t-1} \rangle \\
        \tau_t &= \min\left(\alpha_t, \frac{((1 + \alpha_t \lambda) (\bar f_t - f^* - \gamma_t)
                  + \langle m_t, p_{t-1} \rangle)_+}{\|m_t\|^2}\right), \qquad
        p_t = \frac{p_{t-1} - \tau_t m_t}{1 + \alpha_t \lambda}

    Averages start at the first step, :math:`m_1 = g_1`, or are divided by :math:`1 - \beta_1^t` (`bias_correction`).
    `update` reads the loss f from `value=`.

    Args:
      learning_rate: the largest rate alpha, at least 0, or a schedule. Default of the authors' code, like all that
        follow.
      b1: decay of the three averages, in [0, 1).
      loss_min: the lower bound f* of the loss.
      adapt_loss_min: estimate that bound, from `loss_min` upwards.
      bias_correction: let averages start at 0, and divide them by their weights.
      weight_decay: the coefficient lambda of proximal decay, at least 0; None or 0 for none.

    State:
      `state["numerator"].value`: m, shaped like the parameters; `state["learning_rate"]`: `.loss`: the average loss,
      `.product`: gamma, `.loss_min`: the bound that is estimated (scalars), `.count`: steps taken (int32 scalar).
      4 bytes a parameter.

    Raises:
      ValueError: for a number outside its range.
      TypeError: from `update`, where `value=` is missing.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.momo()
      pipeline(numerator=ema(0.9, seeded='first_step'), learning_rate=polyak_rate(decay=0.9, seeded='first_step'))

    Claim:
      Use it when momentum is to need less of a search for its rate, and a lower bound of the loss is known, such as 0.

    Source:
      F. Schaipp et al. (2023); fabian-sp/MoMo, and optax.contrib, which both are replayed. optax lets the parameters
      decay, but not the step: :math:`p_{t-1} / (1 + \alpha_t \lambda) - \tau_t m_t`, and takes none where
      :math:`\|m_t\|^2` is at most the machine's epsilon, which small gradients reach; here where it is 0.
    """
    seeded: Literal["first_step"] | None = None if bias_correction else "first_step"
    average = ema(b1, seeded=seeded, accumulator_dtype=accumulator_dtype)
    return pipeline(
        numerator=debiased(average) if bias_correction else average,
        learning_rate=polyak_rate(
            learning_rate,
            b1,
            loss_min=loss_min,
            adapt_loss_min=adapt_loss_min,
            seeded=seeded,
            weight_decay=weight_decay,
            axis_name=axis_name,
        ),
        decay=optional(proximal_decay, weight_decay, weight_decay_mask),
    )
