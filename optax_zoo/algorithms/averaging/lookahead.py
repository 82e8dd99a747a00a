"""Lookahead."""

from typing import Literal

import optax
from optax import ScalarOrSchedule

from optax_zoo.algorithms._inner import inner_row
from optax_zoo.parts import lookahead_steps
from optax_zoo.pipeline import Pipeline
from optax_zoo.primitives.types import Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="Lookahead: k steps forward, one step back",
    paper="Zhang, Lucas, Hinton and Ba: Lookahead Optimizer: k steps forward, 1 step back",
    year=2019,
    url="https://arxiv.org/abs/1907.08610",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "rest", "scale", "sign"),
    proof="an independent implementation",
)
def lookahead(
    inner: optax.GradientTransformation | None = None,
    every: int = 5,
    alpha: Scalar = 0.5,
    *,
    seeded: Literal["first_step"] | None = None,
    learning_rate: ScalarOrSchedule | None = None,
) -> Pipeline:
    r"""Any optimizer, ours or not, whose fast weights go back a part of the way every k steps.

    The parameters of the training loop are the fast weights :math:`\theta`; those to evaluate with are the slow weights
    :math:`\phi`, which `evaluation_params` gives.

    .. math::

        \theta_t = \theta_{t-1} + \text{inner}(g_t), \qquad
        \text{every k steps} \quad \phi \leftarrow \phi + \alpha (\theta_t - \phi), \quad \theta_t \leftarrow \phi

    Args:
      inner: the optimizer that makes the fast steps; None stands for `adam(learning_rate)`.
      every: the number k of fast steps, at least 1. Default of the paper, like alpha.
      alpha: the share of the way that the slow weights go, in [0, 1].
      seeded: None: the slow weights start from the first parameters. "first_step": from those after the first step, and
        move after steps 1 + k, 1 + 2k and so on.
      learning_rate: the rate of the default inner optimizer, 1e-3 unless given; not to be given with `inner`.

    State:
      That of the inner optimizer: by slot for a `Pipeline`, else in `state["learning_rate"]`; and
      `state["iterate"].slow`: the slow weights, shaped like the parameters, float32 or wider. 12 bytes a parameter.

    Raises:
      ValueError: for a number outside its range, or a learning_rate beside an inner optimizer.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.lookahead(zoo.sgd(0.1))
      pipeline(learning_rate=0.1, iterate=lookahead_steps())

    Claim:
      Use it when another optimizer is to be less sensitive to its hyperparameters, at little cost.

    Source:
      M. R. Zhang et al. (2019), who leave the state of the inner optimizer alone, as it is here, or interpolate or
      reset its momentum. torch-optimizer starts the slow weights after the first step, which is `seeded`.
    """
    return inner_row(inner, learning_rate).replace(iterate=lookahead_steps(every, alpha, seeded=seeded))
