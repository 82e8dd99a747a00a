"""Padam."""

from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16
from optax_zoo.parts import coupled_decay, ema, optional, root, running_max, scale_by_bias_correction, square
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="Padam: AMSGrad that adapts in part",
    paper="Chen et al.: Closing the Generalization Gap of Adaptive Gradient Methods in Training Deep Neural Networks",
    year=2018,
    url="https://arxiv.org/abs/1806.06763",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "rest", "sign"),
    expected_failures={"inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16},
    proof="an independent implementation",
)
def padam(
    learning_rate: ScalarOrSchedule = 0.1,
    b1: Scalar = 0.9,
    b2: Scalar = 0.999,
    *,
    partial: Scalar = 0.125,
    eps: Scalar = 1e-8,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""Padam: AMSGrad with a power of the second moment between gradient descent's and its own.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2, \qquad
               \hat v_t = \max(\hat v_{t-1}, v_t) \\
        p_t &= p_{t-1} - \alpha_t \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t} \frac{m_t}{(\sqrt{\hat v_t}
               + \epsilon)^{2 q}}

    Args:
      learning_rate: ... Default of the authors' code, like b1, b2 and eps; near 0 for q it is that of gradient descent.
      b1: decay of the average gradient, in [0, 1).
      b2: decay of the average squared gradient, in [0, 1).
      partial: the power q, above 0: 0.5 is AMSGrad. Default of the paper; the authors' code has 0.25.

    State:
      `state["numerator"].value`: m, `state["denominator"].estimator.value`: v, and `.maximum`: the maximum, all shaped
      like the parameters; `state["rescale"].count`: steps taken (int32 scalar). 12 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.padam(0.1).slots["denominator"]
      root(running_max(ema(0.999, of=square)), power=0.25)

    Claim:
      Use it when Adam converges faster than momentum and generalizes less well: the paper's image classifiers get both.

    Source:
      J. Chen et al. (2018); the authors' code, whose correction of both averages is Adam's, whatever the power; the
      paper has none. pytorch_optimizer leaves the maximum out: `denominator=root(ema(0.999, of=square), power=0.5)`.
    """
    _checks.positive("partial", partial)
    largest = running_max(ema(b2, of=square, accumulator_dtype=accumulator_dtype))
    return pipeline(
        gradient=optional(coupled_decay, weight_decay, weight_decay_mask),
        numerator=ema(b1, accumulator_dtype=accumulator_dtype),
        denominator=root(largest, eps=eps, power=2 * partial),
        rescale=scale_by_bias_correction(b1, b2),
        learning_rate=learning_rate,
    )
