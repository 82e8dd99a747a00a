"""Gradient descent with D-Adaptation."""

from typing import Any

from optax import ScalarOrSchedule

from optax_zoo.parts import coupled_decay, dadapt_rate, optional, trace
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="Gradient descent with D-Adaptation",
    paper="Defazio and Mishchenko: Learning-Rate-Free Learning by D-Adaptation",
    year=2023,
    url="https://arxiv.org/abs/2301.07733",
    example={"learning_rate": 1.0, "d0": 1e-3},
    claims=("order", "rest", "scale", "sign"),
    expected_failures={
        "rosenbrock": "its rate is for a function that is nowhere steeper than at the start: on walls it diverges"
    },
    proof="authors' code",
)
def dadapt_sgd(
    learning_rate: ScalarOrSchedule = 1.0,
    momentum: Scalar | None = None,
    *,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    d0: Scalar = 1e-6,
    growth_rate: Scalar = float("inf"),
    axis_name: Any = None,
) -> Pipeline:
    r"""Gradient descent at a rate that follows a lower bound d of the distance from the start to the solution.

    .. math::

        \eta_t &= \frac{\gamma_t d_t}{\|g_1\|}, \qquad
        r_t = r_{t-1} + \eta_t \langle g_t, s_{t-1} \rangle, \qquad s_t = s_{t-1} + \eta_t g_t, \qquad
        d_{t+1} = \max\left(d_t, \frac{2 r_t}{\|s_t\|_2}\right) \\
        v_t &= \mu v_{t-1} - (1 - \mu) \eta_t g_t, \qquad p_t = p_{t-1} + v_t

    Args:
      learning_rate: the factor gamma, at least 0, or a schedule; leave it at 1, or let a schedule start there. Default
        of the authors' code, like all that follow.
      momentum: mu, in [0, 1): the decay of the average of steps; None or 0 for none.
      d0: the first d, above 0; far below the distance.
      growth_rate: the most that d may grow by in a step, above 1.

    State:
      `state["learning_rate"]`: `.distance`: d, `.numerator`: r, `.first_norm`: the norm of the first gradient that is
      not 0 (scalars), `.gradient_sum`: s, shaped like the parameters, float32 or wider; with momentum
      `state["velocity"].value`: v, likewise. 4 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.dadapt_sgd()
      pipeline(learning_rate=dadapt_rate(decay=None, of='directions', norm='l2'))

    Claim:
      Use it when gradient descent, with or without momentum, is to be trained without a search for its rate.

    Source:
      A. Defazio, K. Mishchenko (2023); their package dadaptation, and pytorch_optimizer, whose momentum is 0.9. They
      write momentum as an average of :math:`p_0 - s_t` and the parameters before, which is the average of steps above.
      In both the norm of the first gradient is that without its coupled decay; here it is with it.
    """
    return pipeline(
        gradient=optional(coupled_decay, weight_decay, weight_decay_mask),
        learning_rate=dadapt_rate(
            learning_rate, None, of="directions", norm="l2", d0=d0, growth_rate=growth_rate, axis_name=axis_name
        ),
        velocity=optional(lambda decay: trace(decay, dampening=decay), momentum),
    )
