"""Adam with D-Adaptation."""

from typing import Any

from optax import ScalarOrSchedule

from optax_zoo._checks import decay
from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16
from optax_zoo.parts import coupled_decay, dadapt_rate, decoupled_decay, ema, optional, root, square
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="Adam with D-Adaptation",
    paper="Defazio and Mishchenko: Learning-Rate-Free Learning by D-Adaptation",
    year=2023,
    url="https://arxiv.org/abs/2301.07733",
    example={"learning_rate": 1.0, "d0": 1e-3},
    claims=("order", "rest"),
    expected_failures={"inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16},
    proof="authors' code",
    also_called=("dadapt_adamw",),
)
def dadapt_adam(
    learning_rate: ScalarOrSchedule = 1.0,
    b1: Scalar = 0.9,
    b2: Scalar = 0.999,
    *,
    eps: Scalar = 1e-8,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    decouple: bool = False,
    use_bias_correction: bool = False,
    d0: Scalar = 1e-6,
    growth_rate: Scalar = float("inf"),
    layer_scale: Scalar = 1.0,
    accumulator_dtype: DType = None,
    axis_name: Any = None,
) -> Pipeline:
    r"""Adam at a rate that follows a lower bound d of the distance from the start to the solution.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) \gamma_t d_t g_t, \qquad
        v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2, \qquad D_t = \sqrt{v_t} + \epsilon \\
        r_t &= \beta r_{t-1} + (1 - \beta) \gamma_t d_t \left\langle g_t, \frac{s_{t-1}}{D_{t-1}} \right\rangle, \qquad
        s_t = \beta s_{t-1} + (1 - \beta) \gamma_t d_t g_t, \qquad \beta = \sqrt{\beta_2} \\
        d_{t+1} &= \max\left(d_t, \frac{r_t}{(1 - \beta) \|s_t\|_1}\right), \qquad
        p_{t+1} = p_t - \frac{m_t}{D_t}

    Args:
      learning_rate: the factor gamma, at least 0, or a schedule; leave it at 1, or let a schedule start there. Default
        of the authors' code, like all that follow.
      b1: decay of the average gradient, in [0, 1).
      b2: decay of the average squared gradient, in [0, 1).
      decouple: whether the decay is apart from the gradient (as in AdamW).
      use_bias_correction: multiply the rate by Adam's bias correction.
      d0: the first d, above 0; far below the distance.
      growth_rate: the most that d may grow by in a step, above 1.
      layer_scale: a factor of the steps, above 0.

    State:
      `state["numerator"].value`: m, and `state["denominator"].value`: v, both shaped like the parameters;
      `state["learning_rate"]`: `.distance`: d (scalar), `.gradient_sum`: s and `.direction`: s over D, both shaped like
      the parameters, float32 or wider. 16 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.dadapt_adam().slots["learning_rate"]
      dadapt_rate()

    Claim:
      Use it when Adam is wanted without a search for its rate, which it matches across tasks.

    Source:
      A. Defazio, K. Mishchenko (2023); their package dadaptation.
    """
    decay("b1", b1)
    decay("b2", b2)
    denominator = root(ema(b2, of=square, accumulator_dtype=accumulator_dtype), eps=eps)
    return pipeline(
        gradient=None if decouple else optional(coupled_decay, weight_decay, weight_decay_mask),
        numerator=ema(b1, accumulator_dtype=accumulator_dtype),
        denominator=denominator,
        learning_rate=dadapt_rate(
            learning_rate,
            b2**0.5,
            d0=d0,
            growth_rate=growth_rate,
            layer_scale=layer_scale,
            bias_decays=(b1, b2) if use_bias_correction else None,
            axis_name=axis_name,
        ),
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask) if decouple else None,
    )
