"""AdaMax and AdaMaxW."""

from optax import ScalarOrSchedule

from optax_zoo.parts import absolute, coupled_decay, debiased, decoupled_decay, ema, optional, peak
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
      `state["numerator"].weight`: 1 - b1^t (scalar). 8 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.adamax(0.002).slots["denominator"]
      peak(0.999, of=absolute, eps_max=1e-08)

    Claim:
      Use it when Adam's step is to be bounded by a simpler rule, the largest gradient of late.

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


@algorithm(
    variant_of=adamax,
    full_name="AdaMaxW: AdaMax with decoupled weight decay",
    paper="Loshchilov and Hutter: Decoupled Weight Decay Regularization",
    year=2019,
    url="https://arxiv.org/abs/1711.05101",
    example={"learning_rate": 1e-2, "weight_decay": 1e-4},
    claims=("apart", "order", "scale"),
)
def adamaxw(
    learning_rate: ScalarOrSchedule = 2e-3,
    b1: Decay = 0.9,
    b2: Scalar = 0.999,
    *,
    eps: Scalar = 0.0,
    eps_max: Scalar = 1e-8,
    weight_decay: Decay | None = 1e-4,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""AdaMaxW: AdaMax, and apart from it parameters that shrink by rate times decay.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad u_t = \max(\beta_2 u_{t-1}, |g_t| + \epsilon_m) \\
        p_t &= p_{t-1} - \alpha_t \left( \frac{m_t / (1 - \beta_1^t)}{u_t + \epsilon} + \lambda p_{t-1} \right)

    Args:
      learning_rate: ... Default of AdaMax's paper, like b1 and b2.
      b2: decay of the maximum, in [0, 1].
      eps: added to the maximum.
      eps_max: added inside the maximum. Default of PyTorch and optax.
      weight_decay: the coefficient lambda of decoupled decay, at least 0, or a schedule; None or 0 for none. Default of
        optax.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.adamaxw(0.002).slots["decay"]
      decoupled_decay(0.0001)

    Claim:
      Use it when AdaMax is wanted with weight decay: rate and decay can then be tuned apart.

    Source:
      I. Loshchilov, F. Hutter (2019), whose decay optax.adamaxw gives to AdaMax. It follows the rate; optax's eps is
      the one inside the maximum.
    """
    plain = adamax(learning_rate, b1, b2, eps=eps, eps_max=eps_max, accumulator_dtype=accumulator_dtype)
    return plain.replace(decay=optional(decoupled_decay, weight_decay, weight_decay_mask))
