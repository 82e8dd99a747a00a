"""AdEMAMix and its simplified form."""

from typing import Any

from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16
from optax_zoo.parts import (
    debiased,
    decoupled_decay,
    ema,
    identity,
    linear_warmup,
    optional,
    parallel,
    root,
    scaled,
    square,
    trace,
    warming_half_life,
)
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="AdEMAMix: Adam with a mixture of two averages",
    paper="Pagliardini, Ablin and Grangier: The AdEMAMix Optimizer: Better, Faster, Older",
    year=2024,
    url="https://arxiv.org/abs/2409.03137",
    example={"learning_rate": 1e-3},
    claims=("apart", "order", "rest", "scale", "sign"),
    expected_failures={"inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16},
    proof="authors' code",
)
def ademamix(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    b3: Decay = 0.9999,
    *,
    alpha: ScalarOrSchedule = 5.0,
    b3_warmup: int | None = None,
    alpha_warmup: int | None = None,
    eps: Scalar = 1e-8,
    eps_root: Scalar = 0.0,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""AdEMAMix: Adam whose numerator has a second average, which reaches back ten thousand steps.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad n_t = \beta_{3,t} n_{t-1} + (1 - \beta_{3,t}) g_t, \qquad
               v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        p_t &= p_{t-1} - \alpha_t \left( \frac{m_t / (1 - \beta_1^t) + a_t n_t}{\sqrt{v_t / (1 - \beta_2^t)
               + \epsilon_r} + \epsilon} + \lambda p_{t-1} \right)

    Args:
      learning_rate: ... Default of the authors' code, like the others.
      b1: decay of the fast average m, in [0, 1), or a function of the number of steps taken.
      b3: decay of the slow average n, in [0, 1), or a function of the number of steps taken.
      alpha: how much of the slow average is added: the number a, or a function of the number of steps taken.
      b3_warmup: the number of steps in which the half-life of n grows to that of b3 from that of b1, at least 1, both
        being numbers; None for b3 from the first step on. The paper takes all steps of the training.
      alpha_warmup: the number of steps in which a grows to alpha from 0, at least 1; None for alpha from the first on.
      weight_decay: the coefficient lambda of decoupled decay, at least 0, or a schedule; None or 0 for none.

    State:
      `state["numerator"]["fast"].estimator.value`: m, `state["numerator"]["slow"].value`: n, and
      `state["denominator"].estimator.value`: v, all shaped like the parameters; `.weight` of the first and the last:
      1 - beta^t (scalar). With b3_warmup `["slow"].count`, with alpha_warmup `["slow"].estimator.value` and
      `["slow"].count`: steps taken (int32 scalar). 12 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.ademamix(1e-3).slots["numerator"]
      parallel(fast=debiased(ema(0.9)), slow=scaled(5, ema(0.9999)))
      >>> zoo.ademamix(1e-3, b3_warmup=1000, alpha_warmup=1000).slots["numerator"]  # as in the paper
      parallel(fast=debiased(ema(0.9)), slow=scaled(linear_warmup(5, 1000), ema(warming_half_life(0.9999, 0.9, 1000))))

    Claim:
      Use it when training is long enough for gradients of ten thousand steps ago to be of use: the paper's language
      models need about half of the tokens that AdamW needs.

    Source:
      M. Pagliardini, P. Ablin, D. Grangier (2024); apple/ml-ademamix, whose JAX code has the alpha of 5, and whose
      PyTorch code has 2 and adds 1e-8 to the decays between which b3 grows. The slow average is not corrected for its
      start at 0. pytorch_optimizer lets both grow in the same time, and has coupled decay by default. optax's ademamix
      takes schedules in place of times, and counts from 0.
    """
    _checks.non_negative("alpha", alpha, schedule=True)
    limit: Any = b3
    start: Any = b1
    slow_decay = b3 if b3_warmup is None else warming_half_life(limit, start, b3_warmup)
    share = alpha if alpha_warmup is None else linear_warmup(alpha, alpha_warmup)
    fast = debiased(ema(b1, accumulator_dtype=accumulator_dtype))
    slow = scaled(share, ema(slow_decay, accumulator_dtype=accumulator_dtype))
    return pipeline(
        numerator=parallel(fast=fast, slow=slow),
        denominator=root(debiased(ema(b2, of=square, accumulator_dtype=accumulator_dtype)), eps=eps, eps_root=eps_root),
        learning_rate=learning_rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
    )


@algorithm(
    full_name="Simplified AdEMAMix: Adam with momentum that is mixed with the gradient",
    paper="Morwani, Vyas, Zhang and Kakade: Connections between Schedule-Free Optimizers, AdEMAMix, and Accelerated "
    "SGD Variants",
    year=2025,
    url="https://arxiv.org/abs/2502.02431",
    example={"learning_rate": 1e-4},
    claims=("apart", "order", "rest", "scale", "sign"),
    proof="an independent implementation",
)
def simplified_ademamix(
    learning_rate: ScalarOrSchedule = 1e-4,
    b1: Decay = 0.99,
    b2: Decay = 0.95,
    *,
    alpha: Decay = 0.0,
    eps: Scalar = 1e-8,
    eps_root: Scalar = 0.0,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""AdEMAMix with one momentum, a sum that decays slowly, and the gradient itself in place of the fast average.

    .. math::

        m_t &= \beta_1 m_{t-1} + g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        p_t &= p_{t-1} - \alpha_t \left( \frac{m_t + a g_t}{\sqrt{v_t / (1 - \beta_2^t) + \epsilon_r} + \epsilon}
               + \lambda p_{t-1} \right)

    Args:
      learning_rate: ... Default of pytorch_optimizer. A sum is 1 / (1 - b1) times as long as an average: take a
        hundredth of AdamW's rate at the b1 of 0.99.
      b1: decay of the sum m, in [0, 1), or a function of the number of steps taken. Default of optax, like b2 and
        alpha.
      alpha: how much of the gradient is added: the number a, or a function of the number of steps taken.
      weight_decay: the coefficient lambda of decoupled decay, at least 0, or a schedule; None or 0 for none.

    State:
      `state["numerator"]["momentum"].value`: m, and `state["denominator"].estimator.value`: v, both shaped like the
      parameters; `state["denominator"].weight`: 1 - b2^t (scalar). 8 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.simplified_ademamix(1e-4, alpha=10.0).slots["numerator"]
      parallel(momentum=trace(0.99), gradient=scaled(10, identity))

    Claim:
      Use it when AdEMAMix is wanted without memory for a second average: the paper's language models do as well with
      it, in small batches and in large ones.

    Source:
      D. Morwani et al. (2025); optax's simplified_ademamix. pytorch_optimizer averages in place of summing, which makes
      steps a hundredth as long at its own b1, and divides by the root of 1 - b2^t where the correction of v multiplies
      by it, so that its first steps are too long.
    """
    _checks.non_negative("alpha", alpha, schedule=True)
    momentum = trace(b1, accumulator_dtype=accumulator_dtype)
    return pipeline(
        numerator=parallel(momentum=momentum, gradient=scaled(alpha, identity)),
        denominator=root(debiased(ema(b2, of=square, accumulator_dtype=accumulator_dtype)), eps=eps, eps_root=eps_root),
        learning_rate=learning_rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
    )
