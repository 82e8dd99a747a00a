"""NAdamW."""

from optax import ScalarOrSchedule

from optax_zoo.algorithms.adam.adam import adamw
from optax_zoo.parts import ema, scale_by_bias_correction, serial
from optax_zoo.pipeline import Pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    variant_of=adamw,
    full_name="NAdamW: AdamW with Nesterov momentum",
    paper="Dahl et al.: Benchmarking Neural Network Training Algorithms",
    year=2023,
    url="https://arxiv.org/abs/2306.07179",
)
def nadamw(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Scalar = 0.9,
    b2: Decay = 0.999,
    *,
    eps: Scalar = 1e-8,
    eps_root: Scalar = 0.0,
    weight_decay: Decay | None = 1e-2,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""NAdamW: AdamW along the look-ahead of its average gradient.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        p_t &= p_{t-1} - \alpha_t \left( \frac{(\beta_1 m_t + (1 - \beta_1) g_t) / (1 - \beta_1^t)}{\sqrt{v_t
               / (1 - \beta_2^t) + \epsilon_r} + \epsilon} + \lambda p_{t-1} \right)

    Args:
      learning_rate: ... Default of timm, like the others.
      b1: decay of the average gradient, in [0, 1).

    State:
      `state["numerator"]["average"].value`: m, and `state["denominator"].estimator.value`: v, both shaped like the
      parameters; `state["numerator"]["correction"].count`: steps taken (int32 scalar), and
      `state["denominator"].weight`: 1 - b2^t (scalar). 8 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.nadamw(1e-3).slots["numerator"]
      serial(average=ema(0.9, nesterov=True), correction=scale_by_bias_correction(0.9))

    Claim:
      Use it when you want AdamW with a look-ahead: it is the baseline that the AlgoPerf benchmark compares others with.

    Source:
      G. E. Dahl et al. (2023), whose form, also that of D. Choi et al. (2019), table 1, timm has; it divides both
      terms by 1 - b1^t, so that the first step is (1 + b1) times as long as Adam's. Dozat's, optax's nadamw, divides
      the look-ahead by 1 - b1^(t+1): `nadam(momentum_decay=None).replace(decay=decoupled_decay(0.01))`. PyTorch's
      NAdam with `decoupled_weight_decay` has a momentum that warms up.
    """
    plain = adamw(
        learning_rate,
        b1,
        b2,
        eps=eps,
        eps_root=eps_root,
        weight_decay=weight_decay,
        weight_decay_mask=weight_decay_mask,
        accumulator_dtype=accumulator_dtype,
    )
    ahead = ema(b1, nesterov=True, accumulator_dtype=accumulator_dtype)
    return plain.replace(numerator=serial(average=ahead, correction=scale_by_bias_correction(b1)))
