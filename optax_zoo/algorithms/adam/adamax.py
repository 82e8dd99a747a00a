"""AdaMax."""

from optax import ScalarOrSchedule

from optax_zoo.parts import absolute, coupled_decay, debiased, ema, optional, peak
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="AdaMax: Adam with the infinity norm",
    paper="Kingma and Ba: Adam: A Method for Stochastic Optimization",
    year=2015,
    url="https://arxiv.org/abs/1412.6980",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "rest", "scale", "sign"),
    proof="an independent implementation",
)
def adamax(
    learning_rate: ScalarOrSchedule = 2e-3,
    b1: Decay = 0.9,
    b2: Scalar = 0.999,
    *,
    eps: Scalar = 0.0,
    eps_max: Scalar = 1e-8,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""AdaMax: the average gradient over the decaying maximum of absolute gradients.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad u_t = \max(\beta_2 u_{t-1}, |g_t| + \epsilon_m) \\
        p_t &= p_{t-1} - \alpha_t \frac{m_t / (1 - \beta_1^t)}{u_t + \epsilon}

    Args:
      learning_rate: ... Default of the paper, like b1 and b2.
      b2: decay of the maximum, in [0, 1].
      eps: added to the maximum; Keras has 1e-7 here.
      eps_max: added inside the maximum. Default of PyTorch.

    State:
      `state["numerator"].estimator.value`: m, and `state["denominator"].value`: u, shaped like the parameters;
      `state["numerator"].weight`: 1 - b1^t (scalar).

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.adamax(0.002).slots["denominator"]
      peak(0.999, of=absolute, eps_max=1e-08)

    Source:
      D. P. Kingma, J. Ba (2015), algorithm 2, which has no eps: an element whose gradients are all 0 so far gives 0 / 0
      there. eps_max as in PyTorch; Keras adds eps to the maximum; optax adds its eps inside.
    """
    return pipeline(
        gradient=optional(coupled_decay, weight_decay, weight_decay_mask),
        numerator=debiased(ema(b1, accumulator_dtype=accumulator_dtype)),
        denominator=peak(b2, of=absolute, eps=eps, eps_max=eps_max, accumulator_dtype=accumulator_dtype),
        learning_rate=learning_rate,
    )
