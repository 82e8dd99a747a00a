"""Gradient descent with heavy-ball momentum, in its three published forms."""

from optax import ScalarOrSchedule

from optax_zoo.parts import coupled_decay, optional, trace
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="Gradient descent with momentum",
    paper="Polyak: Some Methods of Speeding up the Convergence of Iteration Methods",
    year=1964,
    url="https://doi.org/10.1016/0041-5553(64)90137-5",
    example={"learning_rate": 1e-3},
    claims=("apart", "order", "rest", "sign"),
    proof="an independent implementation",
    also_called=("MomentumSGD", "heavy_ball"),
)
def momentum(
    learning_rate: ScalarOrSchedule = 1e-2,
    decay: Decay = 0.9,
    *,
    dampening: Scalar = 0.0,
    rate_inside: bool = True,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
) -> Pipeline:
    r"""Gradient descent with heavy-ball momentum: a decaying sum of past steps.

    .. math::

        v_t &= \mu v_{t-1} - (1 - d)\, \alpha_t g_t \\
        p_t &= p_{t-1} + v_t

    It was published in three forms, which differ in where the rate stands and in how a new gradient is weighed:

    1. `dampening=decay`: an average of past steps, :math:`d = \mu`; form 2 at the rate :math:`(1 - \mu) \alpha`.
    2. The default: a sum of past steps, :math:`d = 0` (Polyak; Keras, Chainer).
    3. `rate_inside=False`: the rate outside, :math:`v_t = \mu v_{t-1} + (1 - d) g_t` and
       :math:`p_t = p_{t-1} - \alpha_t v_t` (PyTorch); equal to form 2 while the rate is constant.

    Args:
      learning_rate: ... Default as in Keras and Chainer.
      decay: mu, in [0, 1), or a function of the number of steps taken.
      dampening: d, in [0, 1): what a new gradient is reduced by.
      rate_inside: whether the sum is of steps (forms 1 and 2) or of gradients (form 3, a little faster on CPUs).

    State:
      `state["velocity"].value`, in form 3 `state["momentum"].value`: v, shaped like the parameters, float32 or wider. 4
      bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.momentum(0.1)
      pipeline(learning_rate=0.1, velocity=trace(0.9))
      >>> zoo.momentum(0.1, rate_inside=False)
      pipeline(momentum=trace(0.9), learning_rate=0.1)

    Claim:
      Use it when gradients point across long valleys: steps add up along them, and cancel across.

    Source:
      B. T. Polyak: Some Methods of Speeding up the Convergence of Iteration Methods (1964). PyTorch lets the first
      gradient in undamped; with dampening its form is
      `momentum(rate_inside=False).replace(momentum=trace(decay, dampening=d, seeded="first_step"))`.
    """
    average = trace(decay, dampening=dampening)
    return pipeline(
        gradient=optional(coupled_decay, weight_decay, weight_decay_mask),
        momentum=None if rate_inside else average,
        learning_rate=learning_rate,
        velocity=average if rate_inside else None,
    )
