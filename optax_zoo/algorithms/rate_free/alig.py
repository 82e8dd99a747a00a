"""ALI-G."""

from typing import Any

from optax import ScalarOrSchedule

from optax_zoo.parts import optional, polyak_rate, trace
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="ALI-G: adaptive learning rates for interpolation with gradients",
    paper="Berrada, Zisserman and Kumar: Training Neural Networks for and by Interpolation",
    year=2020,
    url="https://arxiv.org/abs/1906.05661",
    example={"learning_rate": 1e-2},
    claims=("order", "rest", "sign"),
    proof="an independent implementation",
)
def alig(
    learning_rate: ScalarOrSchedule = 0.1,
    momentum: Decay | None = None,
    *,
    rate_inside: bool = True,
    eps: Scalar = 1e-6,
    axis_name: Any = None,
) -> Pipeline:
    r"""Gradient descent with momentum, at the rate at which the tangent of the loss f arrives at 0, or a largest rate.

    .. math::

        \tau_t &= \min\left(\alpha_t, \frac{f_t}{\|g_t\|^2 + \epsilon}\right) \\
        v_t &= \mu v_{t-1} - \tau_t g_t, \qquad p_t = p_{t-1} + \mu v_t - \tau_t g_t

    With `rate_inside=False` the sum is of gradients: :math:`v_t = \mu v_{t-1} - g_t`,
    :math:`p_t = p_{t-1} + \tau_t (\mu v_t - g_t)`. `update` reads the loss f from `value=`.

    Args:
      learning_rate: the largest rate alpha, at least 0, or a schedule. Default of the examples of the authors.
      momentum: mu of Nesterov's momentum, in [0, 1), or a function of the number of steps taken; None or 0 for none.
      rate_inside: whether the momentum is of steps, or of gradients.
      eps: added to the squared norm. Default of pytorch_optimizer; the paper has 1e-5.

    State:
      Nothing without momentum; with it `state["velocity"].value`, or `state["momentum"].value` of gradients: v, shaped
      like the parameters, float32 or wider. 0 bytes a parameter.

    Raises:
      ValueError: for a number outside its range.
      TypeError: from `update`, where `value=` is missing.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.alig(0.1, 0.9).slots
      {'learning_rate': polyak_rate(0.1, eps=1e-06, negative=True, of_gradient=True), 'velocity': trace(0.9,
      nesterov=True)}

    Claim:
      Use it when the model can fit all of its data, so that a rate need not fall for the loss to become 0.

    Source:
      L. Berrada et al. (2020), who bound the norm of the parameters by a projection in place of a decay;
      pytorch_optimizer, whose `adjusted_momentum` is `rate_inside=False`, and which has no largest rate by default:
      `polyak_rate(None, ...)`. It differs from `polyak_sgd` by the momentum alone; a loss below 0 leads uphill.
    """
    average = optional(trace, momentum, nesterov=True)
    return pipeline(
        momentum=None if rate_inside else average,
        learning_rate=polyak_rate(learning_rate, eps=eps, negative=True, of_gradient=True, axis_name=axis_name),
        velocity=average if rate_inside else None,
    )
