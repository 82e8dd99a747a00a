"""Adan with D-Adaptation."""

from typing import Any

from optax import ScalarOrSchedule

from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16
from optax_zoo.parts import (
    Part,
    dadapt_rate,
    difference,
    ema,
    extrapolated,
    identity,
    optional,
    parallel,
    proximal_decay,
    root,
    scaled,
    serial,
    square,
)
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="Adan with D-Adaptation",
    paper="Defazio and Mishchenko: Learning-Rate-Free Learning by D-Adaptation",
    year=2023,
    url="https://arxiv.org/abs/2301.07733",
    example={"learning_rate": 0.1, "d0": 1e-3, "weight_decay": None},
    claims=("order", "rest", "scale", "sign"),
    expected_failures={"inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16},
    proof="authors' code",
)
def dadapt_adan(
    learning_rate: ScalarOrSchedule = 1.0,
    b1: Decay = 0.98,
    b2: Scalar = 0.92,
    b3: Scalar = 0.99,
    *,
    eps: Scalar = 1e-8,
    weight_decay: Decay | None = 0.02,
    weight_decay_mask: Mask = None,
    d0: Scalar = 1e-6,
    growth_rate: Scalar = float("inf"),
    accumulator_dtype: DType = None,
    axis_name: Any = None,
) -> Pipeline:
    r"""Adan at a rate that follows a lower bound d of the distance from the start to the solution.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) \gamma_t d_t g_t, \qquad
        \delta_t = \beta_2 \delta_{t-1} + (1 - \beta_2) \gamma_t d_t (g_t - g_{t-1}), \qquad g_0 = g_1 \\
        n_t &= \beta_3 n_{t-1} + (1 - \beta_3) (g_t + \beta_2 (g_t - g_{t-1}))^2, \qquad
        D_t = \sqrt{n_t} + \epsilon \\
        q_t &= \beta_3 q_{t-1} + (1 - \beta_3) (\gamma_t d_t)^2 \left\langle g_t, \frac{g_t}{D_t} \right\rangle, \qquad
        s_t = \beta_3 s_{t-1} + (1 - \beta_3) \gamma_t d_t g_t \\
        d_{t+1} &= \max\left(d_t, \frac{\langle s_t, s_t / D_t \rangle / (1 - \beta_3) - q_t}{\|s_t\|_1}\right), \qquad
        p_t = \frac{1}{1 + \gamma_t d_t \lambda} \left( p_{t-1} - \frac{m_t + \beta_2 \delta_t}{D_t} \right)

    Args:
      learning_rate: the factor gamma, at least 0, or a schedule; leave it at 1, or let a schedule start there. Default
        of the authors' code, like all that follow.
      b2: decay of the average change, and the weight of changes, in [0, 1).
      b3: decay of the average square, of q and of s, in [0, 1).
      weight_decay: the coefficient lambda of proximal decay, at least 0, or a schedule; None or 0 for none.
      d0: the first d, above 0; far below the distance.
      growth_rate: the most that d may grow by in a step, above 1.

    State:
      `state["numerator"]["gradient"]["average"].value`: m, `["change"]["average"].value`: delta, and
      `["change"]["difference"].previous`: the gradient before; `state["denominator"].value`: n;
      `state["learning_rate"]`: `.distance`: d, `.numerator`: q (scalars), `.gradient_sum`: s; all others are shaped
      like the parameters. 20 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.dadapt_adan().slots["learning_rate"]
      dadapt_rate(decay=0.99, of='squares', already_applied=True)

    Claim:
      Use it when Adan is to be trained without a search for its rate; its authors call it experimental.

    Source:
      A. Defazio, K. Mishchenko (2023); their package dadaptation. d is estimated as in the first version of the paper,
      from squares, and averages are not debiased. Its option `no_prox` is
      `dadapt_adan().replace(decay=decoupled_decay(0.02))`. pytorch_optimizer squares twice: it averages the fourth
      power of the extrapolated gradient in n, whose steps are others by orders of magnitude.
    """

    def average(decay: Decay, **before: Part) -> Part:
        step = scaled(1.0, identity, rated=True)
        return serial(**before, rate=step, average=ema(decay, accumulator_dtype=accumulator_dtype))

    change = average(b2, difference=difference(accumulator_dtype=accumulator_dtype))
    energy = ema(b3, of=square, accumulator_dtype=accumulator_dtype)
    return pipeline(
        numerator=parallel(gradient=average(b1), change=scaled(b2, change)),
        denominator=extrapolated(root(energy, eps=eps), b2),
        learning_rate=dadapt_rate(
            learning_rate,
            b3,
            of="squares",
            already_applied=True,
            d0=d0,
            growth_rate=growth_rate,
            axis_name=axis_name,
        ),
        decay=optional(proximal_decay, weight_decay, weight_decay_mask),
    )
