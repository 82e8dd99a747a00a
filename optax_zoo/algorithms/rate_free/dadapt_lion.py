"""Lion with D-Adaptation."""

from typing import Any

from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.parts import (
    dadapt_rate,
    decoupled_decay,
    ema,
    identity,
    optional,
    parallel,
    scale_by_sign,
    scaled,
    serial,
)
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="Lion with D-Adaptation",
    paper="Defazio and Mishchenko: Learning-Rate-Free Learning by D-Adaptation",
    year=2023,
    url="https://arxiv.org/abs/2301.07733",
    example={"learning_rate": 1e-2, "d0": 1e-2},
    claims=("order", "rest", "sign"),
    expected_failures={
        "rosenbrock": "while d is small it steps along the sign of the gradient alone, to and fro across the valley"
    },
    proof="authors' code",
)
def dadapt_lion(
    learning_rate: ScalarOrSchedule = 1.0,
    b1: Scalar = 0.9,
    b2: Scalar = 0.99,
    *,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    d0: Scalar = 1e-6,
    growth_rate: Scalar = float("inf"),
    accumulator_dtype: DType = None,
    axis_name: Any = None,
) -> Pipeline:
    r"""Lion at a rate that follows a lower bound d of the distance from the start to the solution.

    .. math::

        u_t &= \mathrm{sign}(\beta_1 m_{t-1} + (1 - \beta_1) g_t), \qquad
        m_t = \beta_2 m_{t-1} + (1 - \beta_2) \gamma_t d_t g_t \\
        r_t &= \beta r_{t-1} + (1 - \beta) \gamma_t d_t \langle u_t, s_{t-1} \rangle, \qquad
        s_t = \beta s_{t-1} + (1 - \beta) \gamma_t d_t u_t, \qquad \beta = \sqrt{\beta_2} \\
        d_{t+1} &= \max\left(d_t, \frac{r_t}{(1 - \beta) \|s_t\|_1}\right), \qquad
        p_t = p_{t-1} - \gamma_t d_t (u_t + \lambda p_{t-1})

    Args:
      learning_rate: the factor gamma, at least 0, or a schedule; leave it at 1, or let a schedule start there. Default
        of the authors' code, like all that follow.
      b1: decay of the blend whose sign is taken, in [0, 1).
      b2: decay of the average gradient, above 0 and below 1.
      weight_decay: the coefficient lambda of decoupled decay, at least 0, or a schedule; None or 0 for none.
      d0: the first d, above 0; far below the distance.
      growth_rate: the most that d may grow by in a step, above 1.

    State:
      `state["numerator"]["average"]["average"].value`: m, shaped like the parameters; `state["learning_rate"]`:
      `.distance`: d, `.numerator`: r (scalars), `.gradient_sum`: s, shaped like the parameters, float32 or wider.
      8 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.dadapt_lion().slots["learning_rate"]
      dadapt_rate(decay=0.99498743710662, of='directions')

    Claim:
      Use it when Lion is to be trained without a search for its rate; its authors call it experimental.

    Source:
      A. Defazio, K. Mishchenko (2023); their package dadaptation, which is its only description: the paper has no Lion.
      The average is of gradients times d, but the gradient that it is blended with is not: as long as d is small, signs
      are those of the gradient alone, whatever b1 says. pytorch_optimizer agrees; its b2 is 0.999.
    """
    _checks.decay("b1", b1)
    _checks.scalar("b2", b2, "above 0 and below 1", lambda x: 0 < x < 1)
    average = serial(rate=scaled(1.0, identity, rated=True), average=ema(b2, accumulator_dtype=accumulator_dtype))
    numerator = parallel(  # the average before the step from the new one, so that a step need not keep it
        average=scaled(b1 / b2, average),
        gradient=scaled(1 - b1, identity),
        entered=scaled(b1 - b1 / b2, identity, rated=True),
    )
    return pipeline(
        numerator=numerator,
        rescale=scale_by_sign(),
        learning_rate=dadapt_rate(
            learning_rate, b2**0.5, of="directions", d0=d0, growth_rate=growth_rate, axis_name=axis_name
        ),
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
    )
