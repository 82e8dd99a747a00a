"""The PID optimizer."""

from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.algorithms._reasons import SUMS_OF_GRADIENTS
from optax_zoo.parts import coupled_decay, ema, identity, optional, parallel, scaled, trace
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="PID: a proportional, integral and derivative controller",
    paper="An et al.: A PID Controller Approach for Stochastic Optimization of Deep Networks",
    year=2018,
    url="https://doi.org/10.1109/CVPR.2018.00889",
    example={"learning_rate": 1e-4},
    claims=("apart", "order", "rest", "sign"),
    expected_failures={"huge_gradients": SUMS_OF_GRADIENTS},
    proof="authors' code",
    also_called=("PIDOptimizer",),
)
def pid(
    learning_rate: ScalarOrSchedule = 1e-3,
    decay: Scalar = 0.9,
    *,
    integral: Scalar = 5.0,
    derivative: Scalar = 10.0,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""PID: the gradient, a decaying sum of it, and an average of its changes.

    .. math::

        i_t &= \mu i_{t-1} + g_t, \qquad d_t = \mu d_{t-1} + (1 - \mu) (g_t - g_{t-1}), \qquad g_0 = g_1 \\
        p_t &= p_{t-1} - \alpha_t (g_t + K_i i_t + K_d d_t)

    What is kept for d is the average that the gradient is compared with, not the gradient before beside d itself:

    .. math::

        m_t = \mu m_{t-1} + (1 - \mu) g_t, \quad m_1 = g_1, \qquad d_t = \frac{1 - \mu}{\mu} (g_t - m_t)

    Args:
      learning_rate: ... Default of torch-optimizer, like integral and derivative.
      decay: mu, above 0 and below 1. Default of the paper's experiments.
      integral: the weight of the sum, at least 0.
      derivative: the weight of the average change, at least 0.

    State:
      `state["momentum"]["integral"].value`: i, and `state["momentum"]["average"].value`: m, shaped like the
      parameters; `["average"].count`: steps taken (int32 scalar). 8 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.pid(1e-3, 0.8, integral=4.0, derivative=8.0).slots["momentum"]
      parallel(gradient=scaled(3, identity), integral=scaled(4, trace(0.8)),
               average=scaled(-2, ema(0.8, seeded='first_step')))

    Claim:
      Use it when momentum overshoots: the paper reports fewer oscillations and faster training of image classifiers
      with the derivative than with momentum alone.

    Source:
      W. An et al. (2018), whose momentum is the integral. Their code, tensorboy/PIDOptimizer, and torch-optimizer, made
      of it, keep 0 in place of the first gradient, so that the second change is the whole second gradient;
      pytorch_optimizer, with which this row agrees, keeps the gradient. All three take plain gradient descent where the
      momentum is 0, their default, and then ignore integral and derivative.
    """
    _checks.scalar("decay", decay, "above 0 and below 1", lambda x: 0 < x < 1)
    _checks.non_negative("integral", integral)
    _checks.non_negative("derivative", derivative)
    change = derivative * (1 - decay) / decay
    terms = {
        "gradient": scaled(1 + change, identity),
        "integral": scaled(integral, trace(decay, accumulator_dtype=accumulator_dtype)),
        "average": scaled(-change, ema(decay, seeded="first_step", accumulator_dtype=accumulator_dtype)),
    }
    return pipeline(
        gradient=optional(coupled_decay, weight_decay, weight_decay_mask),
        momentum=parallel(**terms),
        learning_rate=learning_rate,
    )
