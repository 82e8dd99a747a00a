"""AdaNorm."""

from typing import Any

from optax import ScalarOrSchedule

from optax_zoo.algorithms.adam.adam import adam
from optax_zoo.parts import debiased, ema, raise_to_average_norm, serial
from optax_zoo.pipeline import Pipeline
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    variant_of=adam,
    full_name="AdaNorm: Adam with corrected norms of gradients",
    paper="Dubey, Singh and Chaudhuri: AdaNorm: Adaptive Gradient Norm Correction based Optimizer for CNNs",
    year=2022,
    url="https://arxiv.org/abs/2210.06364",
)
def adanorm(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    *,
    norm_decay: Scalar = 0.95,
    eps: Scalar = 1e-8,
    eps_root: Scalar = 0.0,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
    axis_name: Any = None,
    stacked: Stacked = None,
) -> Pipeline:
    r"""AdaNorm: Adam whose numerator averages gradients that are at least as long as they were on average.

    .. math::

        e_t &= \gamma e_{t-1} + (1 - \gamma) \|g_t\|, \qquad
               s_t = \max\left(1, \frac{e_t}{\|g_t\|}\right) g_t \quad \text{(of each leaf)} \\
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) s_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        p_t &= p_{t-1} - \alpha_t \frac{m_t / (1 - \beta_1^t)}{\sqrt{v_t / (1 - \beta_2^t) + \epsilon_r} + \epsilon}

    Args:
      learning_rate: ... Default of the paper, like the others.
      norm_decay: gamma, decay of the average norm, in [0, 1).

    State:
      As `adam`, but `state["numerator"]["average"].estimator.value`: m, `["average"].weight`: 1 - b1^t (scalar), and
      `state["numerator"]["norm"].mean_norm`: e (a scalar a leaf). 8 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.adanorm(1e-3).slots["numerator"]
      serial(norm=raise_to_average_norm(), average=debiased(ema(0.9)))

    Claim:
      Use it when gradients of a convolutional network become too short to learn from: the paper's classify images
      better where their norms are kept up, in any of four optimizers.

    Source:
      S. R. Dubey, S. K. Singh, B. B. Chaudhuri (2022). The part can stand before any numerator, as AdaNorm's own
      diffGrad, RAdam and AdaBelief have it. pytorch_optimizer's class has a b2 of 0.99, takes the root of v + 1e-15 and
      adds eps to the uncorrected one; its option adanorm of other classes is the same part.
    """
    plain = adam(
        learning_rate,
        b1,
        b2,
        eps=eps,
        eps_root=eps_root,
        weight_decay=weight_decay,
        weight_decay_mask=weight_decay_mask,
        accumulator_dtype=accumulator_dtype,
    )
    norm = raise_to_average_norm(norm_decay, axis_name=axis_name, stacked=stacked)
    average = debiased(ema(b1, accumulator_dtype=accumulator_dtype))
    return plain.replace(numerator=serial(norm=norm, average=average))
