"""SGDW."""

from optax import ScalarOrSchedule

from optax_zoo.algorithms.gradient_descent.momentum import momentum
from optax_zoo.parts import decoupled_decay, optional, trace
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask
from optax_zoo.registry import algorithm


@algorithm(
    variant_of=momentum,
    full_name="SGDW: momentum with decoupled weight decay",
    paper="Loshchilov and Hutter: Decoupled Weight Decay Regularization",
    year=2019,
    url="https://arxiv.org/abs/1711.05101",
    claims=("apart", "order"),
    also_called=("momentumw", "nesterovw"),
)
def sgdw(
    learning_rate: ScalarOrSchedule = 1e-2,
    decay: Decay = 0.9,
    *,
    nesterov: bool = False,
    weight_decay: Decay | None = 1e-2,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""SGDW: momentum, and apart from it parameters that shrink by rate times decay.

    .. math::

        v_t &= \mu v_{t-1} - \alpha_t g_t \\
        p_t &= p_{t-1} + v_t - \alpha_t \lambda p_{t-1}

    Args:
      learning_rate: ... Default as of `momentum`.
      decay: mu, in [0, 1), or a function of the number of steps taken. Default as of `momentum`.
      weight_decay: the coefficient lambda, at least 0, or a schedule; None or 0 for none. Default as of `adamw`.

    State:
      `state["velocity"].value`: v, shaped like the parameters, float32 or wider. 4 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.sgdw(0.1)
      pipeline(learning_rate=0.1, velocity=trace(0.9), decay=decoupled_decay(0.01))

    Claim:
      Use it when rate and weight decay are tuned for gradient descent: the paper finds that the best of one depends
      less on the other than with a penalty in the gradient.

    Source:
      I. Loshchilov, F. Hutter (2019), whose decay has a schedule of its own, so that lambda there is alpha times lambda
      here. timm, torch-optimizer and pytorch_optimizer sum up gradients, not steps, which is `pipeline(
      momentum=trace(0.9), learning_rate=0.1, decay=decoupled_decay(0.01))`, equal while the rate is constant. With
      dampening they let the first gradient in undampened: `trace(0.9, dampening=d, seeded="first_step")`.
      torch-optimizer 0.3.0 subtracts rate times lambda from every element, instead of that share of it: parameters
      below 0 grow.
    """
    return pipeline(
        learning_rate=learning_rate,
        velocity=trace(decay, nesterov=nesterov, accumulator_dtype=accumulator_dtype),
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
    )
