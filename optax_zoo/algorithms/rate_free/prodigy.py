"""Prodigy."""

from typing import Any

from optax import ScalarOrSchedule

from optax_zoo._checks import decay
from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16
from optax_zoo.parts import coupled_decay, decoupled_decay, ema, optional, prodigy_rate, root, square
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="Prodigy: Adam whose rate estimates itself",
    paper="Mishchenko and Defazio: Prodigy: An Expeditiously Adaptive Parameter-Free Learner",
    year=2023,
    url="https://arxiv.org/abs/2306.06101",
    example={"learning_rate": 1.0, "d0": 1e-3},
    claims=("order", "rest"),
    expected_failures={"inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16},
    proof="authors' code",
)
def prodigy(
    learning_rate: ScalarOrSchedule = 1.0,
    b1: Scalar = 0.9,
    b2: Scalar = 0.999,
    *,
    b3: Scalar | None = None,
    eps: Scalar = 1e-8,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    decouple: bool = True,
    use_bias_correction: bool = False,
    safeguard_warmup: bool = False,
    d0: Scalar = 1e-6,
    d_coef: Scalar = 1.0,
    growth_rate: Scalar = float("inf"),
    slice_p: int | None = None,
    accumulator_dtype: DType = None,
    axis_name: Any = None,
) -> Pipeline:
    r"""Prodigy: Adam at a rate that follows an estimate d of the distance from the start to the solution.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) d_t g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) d_t^2 g_t^2 \\
        r_t &= \beta_3 r_{t-1} + \gamma_t \frac{d_t^2}{d_0} \langle g_t, p_0 - p_t \rangle, \qquad
        s_t = \beta_3 s_{t-1} + \gamma_t \frac{d_t^2}{d_0} g_t, \qquad
        d_{t+1} = \max\left(d_t, c \frac{r_t}{\|s_t\|_1}\right) \\
        p_{t+1} &= p_t - \gamma_t d_t \left( \frac{m_t}{\sqrt{v_t} + d_{t+1} \epsilon} + \lambda p_t \right)

    Args:
      learning_rate: the factor gamma, at least 0, or a schedule; leave it at 1, or let a schedule start there. Default
        of the authors' code, like all that follow.
      b1: decay of the average gradient, in [0, 1).
      b2: decay of the average squared gradient, in [0, 1).
      b3: decay of r and s, in [0, 1); None for the root of b2.
      eps: added outside the root, times d.
      weight_decay: the coefficient lambda, at least 0, or a schedule; None or 0 for none.
      decouple: whether the decay is apart from the gradient (as in AdamW).
      use_bias_correction: multiply the rate by Adam's bias correction.
      safeguard_warmup: leave gamma and that correction out of s, so that a warmup does not raise d.
      d0: the first d, above 0; far below the distance.
      d_coef: the factor c, above 0, for larger or smaller rates.
      growth_rate: the most that d may grow by in a step, above 1.
      slice_p: estimate d from every slice_p-th element of a leaf, which takes that much less memory; None for all.

    State:
      `state["numerator"].value`: m, and `state["denominator"].value`: v, both shaped like the parameters;
      `state["learning_rate"]`: `.distance`: d (scalar), `.gradient_sum`: s and `.start`: the first parameters, both
      shaped like the parameters, float32 or wider. 16 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.prodigy().slots["learning_rate"]
      prodigy_rate()
      >>> zoo.novograd().replace(learning_rate=zoo.prodigy_rate()).slots.keys()
      dict_keys(['denominator', 'momentum', 'learning_rate'])

    Claim:
      Use it when no learning rate is to be tuned: it comes close to a tuned Adam, faster than D-Adaptation.

    Source:
      K. Mishchenko, A. Defazio (2023); their package prodigyopt.
    """
    decay("b1", b1)
    decay("b2", b2)
    denominator = root(ema(b2, of=square, accumulator_dtype=accumulator_dtype), eps=eps)
    rate = prodigy_rate(
        learning_rate,
        b2**0.5 if b3 is None else b3,
        d0=d0,
        d_coef=d_coef,
        growth_rate=growth_rate,
        bias_decays=(b1, b2) if use_bias_correction else None,
        safeguard_warmup=safeguard_warmup,
        slice_p=1 if slice_p is None else slice_p,
        axis_name=axis_name,
    )
    return pipeline(
        gradient=None if decouple else optional(coupled_decay, weight_decay, weight_decay_mask),
        numerator=optional(ema, b1, accumulator_dtype=accumulator_dtype),
        denominator=denominator,
        learning_rate=rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask) if decouple else None,
    )
