"""LaProp."""

from optax import ScalarOrSchedule

from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16
from optax_zoo.parts import debiased, decoupled_decay, ema, optional, root, square
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="LaProp: momentum of normalized gradients",
    paper="Ziyin, Wang and Ueda: LaProp: Separating Momentum and Adaptivity in Adam",
    year=2020,
    url="https://arxiv.org/abs/2002.04839",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "rest", "scale", "sign"),
    expected_failures={"inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16},
    proof="an independent implementation",
)
def laprop(
    learning_rate: ScalarOrSchedule = 4e-4,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    *,
    eps: Scalar = 1e-15,
    eps_root: Scalar = 0.0,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""LaProp: Adam in the other order, which normalizes gradients first and averages them then.

    .. math::

        v_t &= \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) \frac{g_t}{\sqrt{v_t / (1 - \beta_2^t) + \epsilon_r} + \epsilon} \\
        q_t &= p_{t-1} - \alpha_t \frac{m_t}{1 - \beta_1^t}, \qquad p_t = q_t - \alpha_t \lambda q_t

    Args:
      learning_rate: ... Default of the authors' code, like the others.
      b1: decay of the average quotient, in [0, 1), or a function of the number of steps taken.
      weight_decay: the coefficient lambda of decoupled decay, of the parameters that the step has led to, at least 0,
        or a schedule; None or 0 for none.

    State:
      `state["momentum"].estimator.value`: m, and `state["denominator"].estimator.value`: v, both shaped like the
      parameters; `.weight` of each slot: 1 - beta^t (scalar). 8 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.laprop(4e-4)
      pipeline(denominator=root(debiased(ema(0.999, of=square)), eps=1e-15), momentum=debiased(ema(0.9)),
      learning_rate=0.0004)

    Claim:
      Use it when Adam is unstable with noisy gradients or a small b2: the paper shows that steps stay bounded with any
      pair of decays.

    Source:
      L. Ziyin, Z. T. Wang, M. Ueda (2020); the authors' code, as timm and pytorch_optimizer have it. These average
      rate times quotient, and divide by the average rate, which is the same while the rate is constant.
      pytorch_optimizer takes the root of v + 1e-15, adds eps before the correction, has the reciprocal of 1 - b1^t in
      float32, and adds coupled decay to gradients that have been used.
    """
    return pipeline(
        denominator=root(debiased(ema(b2, of=square, accumulator_dtype=accumulator_dtype)), eps=eps, eps_root=eps_root),
        momentum=debiased(ema(b1, accumulator_dtype=accumulator_dtype)),
        learning_rate=learning_rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask, of_new=True),
    )
