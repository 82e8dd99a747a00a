"""Gradient descent at Polyak's rate."""

from typing import Any

from optax import ScalarOrSchedule

from optax_zoo.parts import coupled_decay, optional, polyak_rate
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="Gradient descent at Polyak's rate",
    paper="Loizou, Vaswani, Laradji and Lacoste-Julien: Stochastic Polyak Step-size for SGD: An Adaptive Learning Rate "
    "for Fast Convergence",
    year=2021,
    url="https://arxiv.org/abs/2002.10542",
    example={"learning_rate": 1e-2},
    claims=("order", "rest", "sign"),
    proof="an independent implementation",
    also_called=("sps", "sps_max"),
)
def polyak_sgd(
    learning_rate: ScalarOrSchedule = 1.0,
    *,
    loss_min: Scalar = 0.0,
    eps: Scalar = 0.0,
    negative: bool = False,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    axis_name: Any = None,
) -> Pipeline:
    r"""Gradient descent at the rate at which the tangent of the loss f arrives at its minimum, up to a largest rate.

    .. math::

        p_t = p_{t-1} - \min\left(\alpha_t, \frac{(f_t - f^*)_+}{\|g_t\|^2 + \epsilon}\right) g_t

    `update` reads the loss f from `value=`.

    Args:
      learning_rate: the largest rate alpha, at least 0, or a schedule. Default of optax.
      loss_min: the minimum f* of the loss, or a lower bound.
      eps: added to the squared norm.
      negative: whether a loss below f* leads uphill; else it leads nowhere.

    State:
      Nothing for a constant rate; `state["learning_rate"].rate.count` (int32 scalar) for a schedule. 0 bytes a
      parameter.

    Raises:
      ValueError: for a number outside its range.
      TypeError: from `update`, where `value=` is missing.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.polyak_sgd()
      pipeline(learning_rate=polyak_rate())
      >>> zoo.adamw().replace(learning_rate=zoo.polyak_rate(1e-2, 0.9)).needs
      ('params', 'value')

    Claim:
      Use it when the model can fit all of its data, so that the least loss of each batch is known to be near 0.

    Source:
      B. T. Polyak: Introduction to Optimization (1987), N. Loizou et al. (2021), whose rate has a factor 1 / c, their c
      being 1/2. The positive part is that of G. Garrigos et al. (2023); optax has `negative` as its default, variant
      "sps". optax takes the norm of the gradient when its option `scaling`, s, has multiplied it: its rate is
      s min(alpha, (f - f*) / (s^2 norm(g)^2 + eps)), where its documentation has no s^2. With a norm of exactly 0 there
      is no step.
    """
    return pipeline(
        gradient=optional(coupled_decay, weight_decay, weight_decay_mask),
        learning_rate=polyak_rate(learning_rate, loss_min=loss_min, eps=eps, negative=negative, axis_name=axis_name),
    )
