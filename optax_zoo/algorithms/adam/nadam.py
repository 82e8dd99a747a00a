"""Nadam."""

from optax import ScalarOrSchedule

from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16
from optax_zoo.parts import coupled_decay, debiased, ema, nesterov_ema, optional, root, square, warming_decay
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="Nadam: Adam with Nesterov momentum",
    paper="Dozat: Incorporating Nesterov Momentum into Adam",
    year=2016,
    url="https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "rest", "scale", "sign"),
    expected_failures={"inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16},
    proof="an independent implementation",
)
def nadam(
    learning_rate: ScalarOrSchedule = 2e-3,
    b1: Scalar = 0.9,
    b2: Decay = 0.999,
    *,
    eps: Scalar = 1e-8,
    eps_root: Scalar = 0.0,
    momentum_decay: Scalar | None = 4e-3,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""Nadam: Adam whose average gradient looks ahead, with a momentum that warms up.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        \mu_t &= \beta_1 (1 - 0.96^{t \psi} / 2) \quad \text{or } \mu_t = \beta_1 \text{ fixed} \\
        p_t &= p_{t-1} - \alpha_t \frac{\mu_{t+1} m_t / (1 - \prod_{i=1}^{t+1} \mu_i) + (1 - \mu_t) g_t
               / (1 - \prod_{i=1}^t \mu_i)}{\sqrt{v_t / (1 - \beta_2^t) + \epsilon_r} + \epsilon}

    Args:
      learning_rate: ... Default of Keras and PyTorch, like the others.
      b1: decay of the average gradient and limit of the momentum, in [0, 1).
      momentum_decay: psi, above 0: how fast the momentum warms up; None for the fixed momentum b1.

    State:
      `state["numerator"].value`: m, and `state["denominator"].estimator.value`: v, shaped like the parameters;
      `state["numerator"].weight`: 1 - the product of mu (scalar), and with a warming momentum `.count`: steps taken
      (int32 scalar); `state["denominator"].weight`: 1 - b2^t (scalar). 8 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.nadam(0.002).slots["numerator"]
      nesterov_ema(0.9, momentum=warming_decay(0.9))

    Claim:
      Use it when Adam is used already, and Nesterov's look-ahead is to improve speed and quality.

    Source:
      T. Dozat (2016). The warming momentum is that of Keras and PyTorch; m keeps the constant b1, as there. The fixed
      form is Dozat's algorithm 2, which has a further factor b2 in the corrected v: a rate larger by 1 / sqrt(b2).
      optax's nadam has the fixed momentum.
    """
    momentum = None if momentum_decay is None else warming_decay(b1, momentum_decay)
    return pipeline(
        gradient=optional(coupled_decay, weight_decay, weight_decay_mask),
        numerator=nesterov_ema(b1, momentum=momentum, accumulator_dtype=accumulator_dtype),
        denominator=root(debiased(ema(b2, of=square, accumulator_dtype=accumulator_dtype)), eps=eps, eps_root=eps_root),
        learning_rate=learning_rate,
    )
