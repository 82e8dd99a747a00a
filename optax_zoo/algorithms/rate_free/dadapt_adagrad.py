"""AdaGrad with D-Adaptation."""

from typing import Any

from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.parts import (
    coupled_decay,
    dadapt_rate,
    difference,
    optional,
    root,
    square,
    total,
    trace,
)
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="AdaGrad with D-Adaptation",
    paper="Defazio and Mishchenko: Learning-Rate-Free Learning by D-Adaptation",
    year=2023,
    url="https://arxiv.org/abs/2301.07733",
    example={"learning_rate": 1.0, "d0": 1e-3},
    claims=("order", "rest", "sign"),
    proof="authors' code",
)
def dadapt_adagrad(
    learning_rate: ScalarOrSchedule = 1.0,
    momentum: Scalar | None = None,
    *,
    eps: Scalar = 1e-6,
    initial_accumulator: Scalar = 1e-6,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    d0: Scalar = 1e-6,
    growth_rate: Scalar = float("inf"),
    accumulator_dtype: DType = None,
    axis_name: Any = None,
) -> Pipeline:
    r"""AdaGrad by dual averaging, at a rate that follows a lower bound d of the distance to the solution.

    .. math::

        s_t &= s_{t-1} + \gamma_t d_t g_t, \qquad a_t = a_{t-1} + g_t^2, \qquad D_t = \sqrt{a_t} + \epsilon \\
        q_t &= q_{t-1} + (\gamma_t d_t)^2 \left\langle g_t, \frac{g_t}{D_t} \right\rangle, \qquad
        d_{t+1} = \max\left(d_t, \frac{\langle s_t, s_t / D_t \rangle - q_t}{\|s_t\|_1}\right) \\
        z_t &= p_0 - \frac{s_t}{D_t}, \qquad p_t = \mu p_{t-1} + (1 - \mu) z_t

    Args:
      learning_rate: the factor gamma, at least 0, or a schedule; leave it at 1, or let a schedule start there. Default
        of the authors' code, like all that follow.
      momentum: mu, in [0, 1): the share of the parameters before; None or 0 for none.
      initial_accumulator: what a starts from, at least 0.
      d0: the first d, above 0; far below the distance.
      growth_rate: the most that d may grow by in a step, above 1.

    State:
      `state["numerator"].value` and `state["learning_rate"].gradient_sum`: s, `state["denominator"].value`: a,
      `state["rescale"].previous`: s over D, all shaped like the parameters; `state["learning_rate"]`: `.distance`: d,
      `.numerator`: q (scalars). 16 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.dadapt_adagrad().slots["learning_rate"]
      dadapt_rate(decay=None, of='squares', already_applied=True)

    Claim:
      Use it when AdaGrad is to be trained without a search for its rate; its authors recommend Adam or gradient descent
      with D-Adaptation in most cases.

    Source:
      A. Defazio, K. Mishchenko (2023); their package dadaptation, which keeps p_0. Here steps are the changes of s over
      D, which sum up to the same, and so does momentum: an average of those steps. pytorch_optimizer agrees at its eps,
      which is 0. Its decoupled decay takes from the parameters before only, and so nothing without momentum.
    """
    _checks.non_negative("initial_accumulator", initial_accumulator)
    energy = total(of=square, initial=initial_accumulator, accumulator_dtype=accumulator_dtype)
    return pipeline(
        gradient=optional(coupled_decay, weight_decay, weight_decay_mask),
        numerator=total(rated=True, accumulator_dtype=accumulator_dtype),
        denominator=root(energy, eps=eps),
        rescale=difference(seeded=None, accumulator_dtype=accumulator_dtype),
        learning_rate=dadapt_rate(
            learning_rate,
            None,
            of="squares",
            already_applied=True,
            d0=d0,
            growth_rate=growth_rate,
            axis_name=axis_name,
        ),
        velocity=optional(lambda decay: trace(decay, dampening=decay), momentum),
    )
