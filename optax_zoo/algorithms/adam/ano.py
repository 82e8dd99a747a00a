"""Ano."""

from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.parts import (
    absolute,
    debiased,
    decoupled_decay,
    ema,
    optional,
    root,
    scale_by_sign,
    scaled,
    serial,
    square,
)
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="Ano: the sign of the average, the size of the gradient",
    paper="Kegreisz: Ano: Faster is Better in Noisy Landscapes",
    year=2025,
    url="https://arxiv.org/abs/2508.18258",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "rest", "scale", "sign"),
    proof="an independent implementation",
)
def ano(
    learning_rate: ScalarOrSchedule = 1e-4,
    b1: Decay = 0.92,
    b2: Decay = 0.99,
    *,
    eps: Scalar = 1e-8,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""Ano: in the direction of the average gradient, as far as this gradient is large.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad
               v_t = \beta_2 v_{t-1} + (1 - \beta_2) \, \mathrm{sign}(g_t^2 - v_{t-1}) \, g_t^2 \\
        p_t &= p_{t-1} - \alpha_t \left( \frac{|g_t| \, \mathrm{sign}(m_t)}{\sqrt{v_t / (1 - \beta_2^t)} + \epsilon}
               + \lambda p_{t-1} \right)

    Args:
      learning_rate: ... Default of pytorch_optimizer, like the others.
      b1: decay of the average gradient, in [0, 1), or a function of the number of steps taken.
      b2: decay of v, at least 0.5 and below 1, or a function of the number of steps taken: below 0.5 v may become
        negative.
      weight_decay: the coefficient lambda of decoupled decay, at least 0, or a schedule; None or 0 for none.

    State:
      `state["numerator"].estimator["average"].value`: m, and `state["denominator"].estimator.value`: v, both shaped
      like the parameters; `state["denominator"].weight`: 1 - b2^t (scalar). 8 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> tx = zoo.ano(1e-4)
      >>> tx.slots["numerator"]
      scaled(scaled(1, absolute), serial(average=ema(0.92), sign=scale_by_sign()))
      >>> tx.slots["denominator"]
      root(debiased(ema(0.99, of=square, additive='decaying')))

    Claim:
      Use it when gradients are noisy or what is learned changes, as in reinforcement learning.

    Source:
      A. Kegreisz (2025); pytorch_optimizer. v is Yogi's average that decays as well. Anolog is Ano whose average grows
      longer: pytorch_optimizer's `logarithmic_schedule` is b1 = 1 - 1 / log(max(2, t)) at step t, which is negative in
      the first two steps.
    """
    _checks.scalar("b2", b2, "at least 0.5 and below 1", lambda x: 0.5 <= x < 1, schedule=True)
    direction = serial(average=ema(b1, accumulator_dtype=accumulator_dtype), sign=scale_by_sign())
    squares = ema(b2, of=square, additive="decaying", accumulator_dtype=accumulator_dtype)
    return pipeline(
        numerator=scaled(scaled(1.0, absolute), direction),
        denominator=root(debiased(squares), eps=eps),
        learning_rate=learning_rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
    )
