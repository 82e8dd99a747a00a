"""LARS."""

from typing import Any

from optax import ScalarOrSchedule

from optax_zoo.parts import optional, trace, trust_ratio
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="LARS: layer-wise adaptive rate scaling",
    paper="You, Gitman and Ginsburg: Large Batch Training of Convolutional Networks",
    year=2017,
    url="https://arxiv.org/abs/1708.03888",
    example={"learning_rate": 3.0},
    claims=("apart", "order", "scale"),
    proof="an independent implementation",
)
def lars(
    learning_rate: ScalarOrSchedule = 1.0,
    momentum: Decay = 0.9,
    *,
    trust_coefficient: Scalar = 1e-3,
    weight_decay: Scalar | None = 5e-4,
    eps: Scalar = 0.0,
    nesterov: bool = False,
    trust_mask: Mask = None,
    accumulator_dtype: DType = None,
    axis_name: Any = None,
    stacked: Stacked = None,
) -> Pipeline:
    r"""LARS: momentum whose steps are in each layer in proportion to the size of the parameters.

    .. math::

        u_t &= \eta \frac{\|p_{t-1}\|}{\|g_t\| + \lambda \|p_{t-1}\| + \epsilon} (g_t + \lambda p_{t-1})
               \quad \text{(per leaf; } g_t \text{ where the parameters or the denominator are 0)} \\
        v_t &= \mu v_{t-1} - \alpha_t u_t, \qquad p_t = p_{t-1} + v_t

    Args:
      learning_rate: ... Together with the trust coefficient it is the length of a step relative to the parameters.
        Default of timm.
      momentum: mu, in [0, 1), or a function of the number of steps taken; 0 for none. Default of the paper, like the
        next two.
      trust_coefficient: the coefficient eta, at least 0.
      weight_decay: the coefficient lambda, at least 0; None or 0 for none.
      eps: added to the norm of the gradient.
      trust_mask: a tree of bools, or a function from parameters to one; False leaves take plain steps without decay,
        as biases and normalizations often do.

    State:
      `state["velocity"].value`: v, shaped like the parameters, float32 or wider. 4 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.lars(1.0, weight_decay=None)
      pipeline(rescale=trust_ratio(coefficient=0.001), learning_rate=1, velocity=trace(0.9))

    Claim:
      Use it when convolutional networks are trained with very large batches.

    Source:
      Y. You, I. Gitman, B. Ginsburg (2017). The ratio adds up the norms of gradient and decay, where LAMB takes the
      norm of their sum, as optax's LARS does. torch-optimizer, timm and pytorch_optimizer have the rate outside of the
      momentum, which is the same at a constant rate. Without weight decay, as at their defaults, torch-optimizer takes
      plain steps, and so does timm unless told `always_adapt`. A layer whose gradient is 0 does not decay in
      torch-optimizer, and by alpha lambda instead of alpha eta in timm. pytorch_optimizer neither adapts nor decays
      leaves of one axis.
    """
    return pipeline(
        rescale=trust_ratio(
            coefficient=trust_coefficient,
            weight_decay=weight_decay,
            eps=eps,
            mask=trust_mask,
            axis_name=axis_name,
            stacked=stacked,
        ),
        learning_rate=learning_rate,
        velocity=optional(trace, momentum, nesterov=nesterov, accumulator_dtype=accumulator_dtype),
    )
