"""Schedule-free AdamW."""

from typing import Any

from optax import ScalarOrSchedule

from optax_zoo._checks import is_absent
from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16
from optax_zoo.parts import (
    debiased,
    decoupled_decay,
    ema,
    linear_warmup,
    optional,
    root,
    schedule_free,
    square,
)
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="Schedule-free AdamW",
    paper="Defazio, Yang, Mehta, Mishchenko, Khaled and Cutkosky: The Road Less Scheduled",
    year=2024,
    url="https://arxiv.org/abs/2405.15682",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "rest", "scale"),
    expected_failures={"inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16},
    proof="authors' code",
    also_called=("AdamWScheduleFree",),
)
def schedule_free_adamw(
    learning_rate: ScalarOrSchedule = 2.5e-3,
    b1: Scalar = 0.9,
    b2: Decay = 0.999,
    *,
    eps: Scalar = 1e-8,
    eps_root: Scalar = 0.0,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    warmup_steps: Scalar = 0,
    r: Scalar = 0.0,
    weight_lr_power: Scalar = 2.0,
    decoupling: Scalar | None = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""Schedule-free AdamW: an average of iterates in place of momentum and of a schedule.

    The parameters of the training loop are y; those to evaluate with are x, which `evaluation_params` gives.

    .. math::

        v_t &= \beta_2 v_{t-1} + (1 - \beta_2) g_t^2, \qquad
        u_t = \frac{g_t}{\sqrt{v_t / (1 - \beta_2^t) + \epsilon_r} + \epsilon} + \lambda y_{t-1} \\
        z_t &= z_{t-1} - \alpha_t u_t, \qquad
        c_t = \frac{w_t}{\sum_{s \le t} w_s}, \quad w_t = t^r (\max_{s \le t} \alpha_s)^p \\
        x_t &= (1 - c_t) x_{t-1} + c_t z_t, \qquad y_t = (1 - \beta_1) z_t + \beta_1 x_t

    Args:
      learning_rate: the rate alpha, at least 0, or a schedule (a warmup; it needs no decay). Default of the authors'
        code, like all that follow.
      b1: the share of x in y, in (0, 1).
      weight_decay: the coefficient lambda, at least 0, or a schedule; None or 0 for none.
      warmup_steps: in how many equal steps the rate is reached; 0 for at once.
      r: the power of t in the weights, at least 0.
      weight_lr_power: the power p of the largest rate in the weights, at least 0.
      decoupling: a factor C: c is multiplied by (1 - b1) C, at most 1 (refined schedule-free); None for c as it is.

    State:
      `state["denominator"].estimator.value`: v, and `state["iterate"].base`: z, both shaped like the parameters;
      `state["iterate"].weight_sum`: the sum of w (scalar). 8 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.schedule_free_adamw(1e-3).slots["iterate"]
      schedule_free()
      >>> zoo.expectigrad().replace(momentum=None, iterate=zoo.schedule_free(0.9)).slots.keys()
      dict_keys(['denominator', 'learning_rate', 'iterate'])

    Claim:
      Use it when the end of training is not known beforehand, so that no schedule can be set.

    Source:
      A. Defazio et al. (2024); their package schedulefree, whose parameters in train mode are y.
    """
    rate: Any = learning_rate if is_absent(warmup_steps) else linear_warmup(learning_rate, warmup_steps)
    return pipeline(
        denominator=root(debiased(ema(b2, of=square, accumulator_dtype=accumulator_dtype)), eps=eps, eps_root=eps_root),
        learning_rate=rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
        iterate=schedule_free(b1, r=r, weight_lr_power=weight_lr_power, decoupling=decoupling),
    )
