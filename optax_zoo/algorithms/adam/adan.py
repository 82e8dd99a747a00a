"""Adan."""

from optax import ScalarOrSchedule

from optax_zoo.parts import (
    Part,
    debiased,
    difference,
    ema,
    extrapolated,
    optional,
    parallel,
    proximal_decay,
    root,
    scaled,
    serial,
    square,
)
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="Adan: adaptive Nesterov momentum",
    paper="Xie et al.: Adan: Adaptive Nesterov Momentum Algorithm for Faster Optimizing Deep Models",
    year=2022,
    url="https://arxiv.org/abs/2208.06677",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "rest", "scale", "sign"),
    proof="an independent implementation",
)
def adan(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.98,
    b2: Scalar = 0.92,
    b3: Decay = 0.99,
    *,
    eps: Scalar = 1e-8,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""Adan: an average gradient and an average of its changes, over the root of an average square of both.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad
               d_t = \beta_2 d_{t-1} + (1 - \beta_2) (g_t - g_{t-1}), \qquad g_0 = g_1 \\
        n_t &= \beta_3 n_{t-1} + (1 - \beta_3) (g_t + \beta_2 (g_t - g_{t-1}))^2 \\
        p_t &= \frac{1}{1 + \alpha_t \lambda} \left( p_{t-1} - \alpha_t \frac{m_t / (1 - \beta_1^t)
               + \beta_2 d_t / (1 - \beta_2^t)}{\sqrt{n_t / (1 - \beta_3^t)} + \epsilon} \right)

    Args:
      learning_rate: ... Default of the authors' code, like the decays and eps.
      b2: decay of the average change, and the weight of changes, in [0, 1).
      b3: decay of the average square, in [0, 1), or a function of the number of steps taken.
      weight_decay: the coefficient lambda of proximal decay, at least 0, or a schedule; None or 0 for none.

    State:
      `state["numerator"]["gradient"].estimator.value`: m, `["change"]["average"].estimator.value`: d, and
      `["change"]["difference"].previous`: the gradient before; `state["denominator"].estimator.value`: n, all shaped
      like the parameters; `.weight` of each average: 1 - beta^t, `["change"]["difference"].count`: steps taken (int32
      scalar). 16 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.adan(1e-3).slots["denominator"]
      extrapolated(root(debiased(ema(0.99, of=square))), 0.92)

    Claim:
      Use it when transformers or convolutional networks of vision and language are to be trained in half the steps of
      others.

    Source:
      X. Xie et al. (2022), who write 1 - beta for each beta, and do not correct the averages; sail-sg/Adan, whose rule
      this is. Its option `no_prox` is `adan().replace(decay=decoupled_decay(1e-2))`. optax weighs changes by
      1 - b2, 0.08 by default, with b2 as a decay: the paper's 1 - beta2 is b2.
    """

    def average(decay: Decay) -> Part:
        return debiased(ema(decay, accumulator_dtype=accumulator_dtype))

    change = serial(difference=difference(accumulator_dtype=accumulator_dtype), average=average(b2))
    energy = debiased(ema(b3, of=square, accumulator_dtype=accumulator_dtype))
    return pipeline(
        numerator=parallel(gradient=average(b1), change=scaled(b2, change)),
        denominator=extrapolated(root(energy, eps=eps), b2),
        learning_rate=learning_rate,
        decay=optional(proximal_decay, weight_decay, weight_decay_mask),
    )
