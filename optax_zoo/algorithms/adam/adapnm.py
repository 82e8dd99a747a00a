"""AdaPNM."""

from optax import ScalarOrSchedule

from optax_zoo.algorithms.adam.amsgrad import amsgrad
from optax_zoo.parts import debiased, decoupled_decay, optional, positive_negative
from optax_zoo.pipeline import Pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    variant_of=amsgrad,
    full_name="AdaPNM: Adam with positive-negative momentum",
    paper="Xie et al.: Positive-Negative Momentum: Manipulating Stochastic Gradient Noise to Improve Generalization",
    year=2021,
    url="https://arxiv.org/abs/2103.17182",
    proof="authors' code",
)
def adapnm(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Scalar = 0.9,
    b2: Decay = 0.999,
    negative: Scalar = 1.0,
    *,
    eps: Scalar = 1e-8,
    eps_root: Scalar = 0.0,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""AdaPNM: AMSGrad with positive-negative momentum for the average gradient.

    .. math::

        m_t &= \beta_1^2 m_{t-2} + (1 - \beta_1^2) g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        u_t &= \frac{(1 + \beta_0) m_t - \beta_0 m_{t-1}}{\sqrt{(1 + \beta_0)^2 + \beta_0^2}}, \qquad
               \hat v_t = \max(\hat v_{t-1}, v_t) \\
        p_t &= p_{t-1} - \alpha_t \left( \frac{u_t / (1 - \beta_1^t)}
               {\sqrt{\hat v_t / (1 - \beta_2^t) + \epsilon_r} + \epsilon} + \lambda p_{t-1} \right)

    Args:
      learning_rate: ... Default of the authors' code, like the others.
      b1: its square is the decay of either average gradient, in [0, 1).
      negative: beta_0, the weight of the average that is subtracted, at least 0.
      weight_decay: the coefficient lambda of decoupled decay, at least 0, or a schedule; None or 0 for none.

    State:
      `state["numerator"].estimator.odd` and `.even`: the averages m of odd and even steps;
      `state["denominator"].estimator.maximum`: the maximum, and `.estimator.estimator.value`: v, all shaped like the
      parameters; `.weight` of each slot: 1 - beta^t (scalar). 16 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.adapnm(1e-3).slots["numerator"]
      debiased(positive_negative(0.9))

    Claim:
      Use it when a model that is trained with Adam generalizes worse than it could: the paper reports lower test errors
      of image classifiers and language models.

    Source:
      Z. Xie et al. (2021), algorithm 3; zeke-xie/Positive-Negative-Momentum, which divides u by 1 - beta_1^t although
      the weights that m has seen are others. pytorch_optimizer adds eps to the uncorrected root, and 1e-15 inside it.
      Without the maximum it is `adam().replace(numerator=debiased(positive_negative(0.9)))`.
    """
    momentum = positive_negative(b1, negative, accumulator_dtype=accumulator_dtype)
    plain = amsgrad(learning_rate, b2=b2, eps=eps, eps_root=eps_root, accumulator_dtype=accumulator_dtype)
    return plain.replace(numerator=debiased(momentum), decay=optional(decoupled_decay, weight_decay, weight_decay_mask))
