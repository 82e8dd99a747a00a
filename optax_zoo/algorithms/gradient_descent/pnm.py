"""Positive-negative momentum."""

from optax import ScalarOrSchedule

from optax_zoo.parts import decoupled_decay, optional, positive_negative
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="PNM: positive-negative momentum",
    paper="Xie et al.: Positive-Negative Momentum: Manipulating Stochastic Gradient Noise to Improve Generalization",
    year=2021,
    url="https://arxiv.org/abs/2103.17182",
    example={"learning_rate": 1e-3},
    claims=("apart", "order", "rest", "sign"),
    proof="authors' code",
)
def pnm(
    learning_rate: ScalarOrSchedule = 1e-3,
    decay: Scalar = 0.9,
    negative: Scalar = 1.0,
    *,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""PNM: the average gradient of every other step, less a share of the average of the steps between.

    .. math::

        m_t &= \beta^2 m_{t-2} + (1 - \beta^2) g_t \\
        p_t &= p_{t-1} - \alpha_t \left( \frac{(1 + \beta_0) m_t - \beta_0 m_{t-1}}{\sqrt{(1 + \beta_0)^2 + \beta_0^2}}
               + \lambda p_{t-1} \right)

    Args:
      learning_rate: ... Default of pytorch_optimizer; the authors train ResNets at 1.0.
      decay: beta, in [0, 1); its square is the decay of either average. Default of the authors' code, like negative.
      negative: beta_0, the weight of the average that is subtracted, at least 0.
      weight_decay: the coefficient lambda of decoupled decay, at least 0, or a schedule; None or 0 for none.

    State:
      `state["momentum"].odd` and `.even`: the averages m of odd and even steps, shaped like the parameters; `.count`:
      steps taken (int32 scalar). 8 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.pnm(0.1)
      pipeline(momentum=positive_negative(0.9), learning_rate=0.1)

    Claim:
      Use it when a model that is trained with momentum generalizes worse than it could: the paper reports lower test
      errors of image classifiers, at no cost but a second average.

    Source:
      Z. Xie et al. (2021), algorithm 2; zeke-xie/Positive-Negative-Momentum, with which pytorch_optimizer agrees.
    """
    return pipeline(
        momentum=positive_negative(decay, negative, accumulator_dtype=accumulator_dtype),
        learning_rate=learning_rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
    )
