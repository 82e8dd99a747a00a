"""AdaBelief."""

from optax import ScalarOrSchedule

from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16
from optax_zoo.parts import debiased, decoupled_decay, ema, optional, residual, root, square
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="AdaBelief: step sizes by the belief in gradients",
    paper="Zhuang et al.: AdaBelief Optimizer: Adapting Stepsizes by the Belief in Observed Gradients",
    year=2020,
    url="https://arxiv.org/abs/2010.07468",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "rest", "scale", "sign"),
    expected_failures={"inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16},
    proof="authors' code",
)
def adabelief(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    *,
    eps: Scalar = 1e-16,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""AdaBelief: Adam with the average square of what the average gradient did not foresee.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad
               s_t = \beta_2 s_{t-1} + (1 - \beta_2) (g_t - m_t)^2 + \epsilon \\
        p_t &= p_{t-1} - \alpha_t \left( \frac{m_t / (1 - \beta_1^t)}{\sqrt{s_t / (1 - \beta_2^t)} + \epsilon}
               + \lambda p_{t-1} \right)

    Args:
      learning_rate: ... Default of the paper, like b1 and b2.
      b2: decay of the average squared residual, in [0, 1), or a function of the number of steps taken.
      eps: added to the average in every step, and outside the root. Default of the authors' code; they recommend 1e-8
        where gradient descent does better than Adam.
      weight_decay: the coefficient lambda of decoupled decay, at least 0, or a schedule; None or 0 for none.

    State:
      `state["numerator"].estimator.value`: m, and `state["denominator"].estimator.value`: s, both shaped like the
      parameters; `.weight` of each slot: 1 - beta^t (scalar). 8 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.adabelief(1e-3).slots["denominator"]
      residual(root(debiased(ema(0.999, of=square, increment=1e-16)), eps=1e-16))

    Claim:
      Use it when you want the speed of Adam and the generalization of gradient descent, and where training is fragile,
      as of GANs.

    Source:
      J. Zhuang et al. (2020), whose algorithm this is. The authors' package adabelief-pytorch 0.2.1 also rectifies by
      default, with eps outside the uncorrected root: as denominator `residual(rectified(debiased(root(ema(b2,
      of=square, increment=eps), eps=eps)), b2))`.
    """
    belief = ema(b2, of=square, increment=eps, accumulator_dtype=accumulator_dtype)
    return pipeline(
        numerator=debiased(ema(b1, accumulator_dtype=accumulator_dtype)),
        denominator=residual(root(debiased(belief), eps=eps)),
        learning_rate=learning_rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
    )
