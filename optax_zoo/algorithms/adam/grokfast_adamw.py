"""Grokfast with AdamW."""

from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.parts import debiased, decoupled_decay, ema, identity, optional, parallel, root, scaled, square
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.schedules import scaled_rate
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="Grokfast with AdamW: slow gradients amplified",
    paper="Lee, Kang, Kim and Lee: Grokfast: Accelerated Grokking by Amplifying Slow Gradients",
    year=2024,
    url="https://arxiv.org/abs/2405.20233",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "rest", "scale", "sign"),
    proof="an independent implementation",
)
def grokfast_adamw(
    learning_rate: ScalarOrSchedule = 1e-4,
    b1: Decay = 0.9,
    b2: Decay = 0.99,
    *,
    slow_decay: Decay = 0.98,
    amplification: Scalar = 2.0,
    normalize_rate: bool = True,
    eps: Scalar = 1e-8,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""Grokfast: AdamW of gradients to which a multiple of their average is added.

    .. math::

        \mu_t &= \kappa \mu_{t-1} + (1 - \kappa) g_t, \quad \mu_0 = g_1, \qquad h_t = g_t + \lambda \mu_t \\
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) h_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) h_t^2 \\
        p_t &= p_{t-1} - \alpha_t \left( \frac{1}{1 + \lambda} \frac{m_t / (1 - \beta_1^t)}{\max(\sqrt{v_t
               / (1 - \beta_2^t)}, \epsilon)} + \frac{w}{1 + \lambda} p_{t-1} \right)

    Args:
      learning_rate: ... Default of grokfast-pytorch, like the others.
      slow_decay: kappa, decay of the slow average, in [0, 1), or a function of the number of steps taken.
      amplification: lambda, how much of it is added, at least 0.
      normalize_rate: whether the rate is divided by 1 + lambda.
      eps: the least that the root counts.
      weight_decay: the coefficient w of decoupled decay, at least 0, or a schedule; None or 0 for none.

    State:
      `state["gradient"]["slow"].value`: mu, `state["numerator"].estimator.value`: m, and
      `state["denominator"].estimator.value`: v, all shaped like the parameters; `state["gradient"]["slow"].count`:
      steps taken (int32 scalar), and `.weight` of the other two: 1 - beta^t (scalar). 12 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.grokfast_adamw(1e-4).slots["gradient"]
      parallel(now=scaled(1, identity), slow=scaled(2, ema(0.98, seeded='first_step')))

    Claim:
      Use it when a model has memorized its examples and is to generalize: the paper sees that "grokking" up to fifty
      times earlier.

    Source:
      J. Lee et al. (2024), Grokfast-EMA, a filter before any optimizer: `adamw().replace(gradient=...)`. AdamW with it
      is lucidrains' grokfast-pytorch, which pytorch_optimizer follows. That can begin with the filter later, and where
      decay is coupled its average starts from the first gradient without it.
    """
    _checks.non_negative("amplification", amplification)
    slow = ema(slow_decay, seeded="first_step", accumulator_dtype=accumulator_dtype)
    squares = ema(b2, of=square, accumulator_dtype=accumulator_dtype)
    return pipeline(
        gradient=parallel(now=scaled(1.0, identity), slow=scaled(amplification, slow)),
        numerator=debiased(ema(b1, accumulator_dtype=accumulator_dtype)),
        denominator=root(debiased(squares), eps=0.0, floor=eps),
        learning_rate=scaled_rate(learning_rate, 1 / (1 + amplification)) if normalize_rate else learning_rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
    )
