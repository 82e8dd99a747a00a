"""DoWG."""

from typing import Any

from optax import ScalarOrSchedule

from optax_zoo.parts import coupled_decay, dog_rate, optional
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="DoWG: distance over weighted gradients",
    paper="Khaled, Mishchenko and Jin: DoWG Unleashed: An Efficient Universal Parameter-Free Gradient Descent Method",
    year=2023,
    url="https://arxiv.org/abs/2305.16284",
    example={"learning_rate": 1.0},
    claims=("order", "rest", "sign"),
    proof="authors' code",
)
def dowg(
    learning_rate: ScalarOrSchedule = 1.0,
    d0: Scalar = 1e-2,
    *,
    eps: Scalar = 1e-4,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    axis_name: Any = None,
) -> Pipeline:
    r"""DoG with squares that are weighted with the squared distance, so that those far from the start count more.

    .. math::

        \bar r_t &= \max(\bar r_{t-1}, \|p_{t-1} - p_0\|), \qquad \bar r_0 = d_0, \qquad
        v_t = v_{t-1} + \bar r_t^2 \|g_t\|^2 \\
        p_t &= p_{t-1} - c\, \frac{\bar r_t^2}{\sqrt{v_t} + \epsilon}\, g_t

    Args:
      learning_rate: the factor c, at least 0, or a schedule; leave it at 1.
      d0: the first distance, above 0. Default of the authors' code, whose eps is its square.
      eps: added outside the root. Default of the authors' code.

    State:
      `state["learning_rate"]`: `.distance`: the largest distance, `.size`: the root of v (scalars), `.start`: the first
      parameters, shaped like the parameters, float32 or wider. 4 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.dowg()
      pipeline(learning_rate=dog_rate(d0=0.01, weighted=True, eps=0.0001, eps_root=0))

    Claim:
      Use it when gradient descent is to find its rate, and the loss is smooth: the paper shows the optimal rates of
      smooth and of nonsmooth problems without being told which it is.

    Source:
      A. Khaled, K. Mishchenko, C. Jin (2023); rka97/dowg and optax.contrib, which agree. Both keep the squared distance
      and start it at eps unless told otherwise: `d0=eps**0.5` here.
    """
    return pipeline(
        gradient=optional(coupled_decay, weight_decay, weight_decay_mask),
        learning_rate=dog_rate(learning_rate, d0=d0, weighted=True, eps=eps, eps_root=0.0, axis_name=axis_name),
    )
