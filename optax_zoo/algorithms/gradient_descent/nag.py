"""Nesterov's accelerated gradient."""

from typing import Any

import jax
from optax import ScalarOrSchedule

from optax_zoo.parts import coupled_decay, optional, trace
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.precision import lift, like
from optax_zoo.primitives.types import Decay, Mask
from optax_zoo.registry import algorithm


@algorithm(
    full_name="Nesterov's accelerated gradient",
    paper="Sutskever, Martens, Dahl and Hinton: On the Importance of Initialization and Momentum in Deep Learning",
    year=2013,
    url="https://proceedings.mlr.press/v28/sutskever13.html",
    example={"learning_rate": 1e-3},
    claims=("apart", "order", "rest", "sign"),
    proof="an independent implementation",
    also_called=("NesterovAG", "nesterov"),
)
def nag(
    learning_rate: ScalarOrSchedule = 1e-2,
    decay: Decay = 0.9,
    *,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
) -> Pipeline:
    r"""Nesterov's accelerated gradient: momentum whose gradient is taken where the momentum is about to lead.

    The paper takes the gradient at the look-ahead point :math:`w + \mu v`. The parameters here ARE that point, p, so
    that a training loop needs no second point:

    .. math::

        v_t &= \mu v_{t-1} - \alpha_t g_t \\
        p_t &= p_{t-1} + \mu v_t - \alpha_t g_t

    `nag_iterate` leads back to the paper's iterate :math:`w_t = p_t - \mu v_t`.

    Args:
      learning_rate: ... Default as in Keras and Chainer.
      decay: mu, in [0, 1), or a function of the number of steps taken.

    State:
      `state["velocity"].value`: v, shaped like the parameters, float32 or wider. 4 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.nag(0.1)
      pipeline(learning_rate=0.1, velocity=trace(0.9, nesterov=True))

    Claim:
      Use it when the problem is smooth and convex, where it converges at the best rate there is, or momentum
      overshoots.

    Source:
      I. Sutskever et al. (2013), after Y. Nesterov (1983). Agrees with Keras, and while the rate is constant with
      PyTorch, whose form is `momentum(rate_inside=False).replace(momentum=trace(decay, nesterov=True))`. An averaged
      form, with :math:`(1 - \mu) \alpha` for the rate, is this one at that rate. Chainer's NesterovAG moves by
      :math:`\mu^2 v_t - (1 + \mu) \alpha g_t`, which is another method.
    """
    return pipeline(
        gradient=optional(coupled_decay, weight_decay, weight_decay_mask),
        learning_rate=learning_rate,
        velocity=trace(decay, nesterov=True),
    )


def nag_iterate(params: Any, state: dict[str, Any], decay: float = 0.9) -> Any:
    """The paper's iterate w = p - decay v, from the look-ahead point p that `nag` keeps as the parameters.

    Args:
      params: the parameters that `nag` has led to.
      state: the state of `nag` that belongs to them.
      decay: the decay that `nag` was given.

    Returns:
      A tree like `params`, for evaluation; training goes on from `params`.
    """
    return jax.tree.map(lambda p, v: like(lift(p) - decay * v, p), params, state["velocity"].value)
