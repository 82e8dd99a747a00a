"""SPAM."""

from typing import Any

from optax import ScalarOrSchedule

from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16
from optax_zoo.parts import (
    Part,
    clip_spikes,
    debiased,
    decoupled_decay,
    ema,
    optional,
    restart_warmup,
    restarted,
    root,
    square,
)
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="SPAM: spike-aware Adam with momentum reset",
    paper="Huang, Zhu, Jin, Liu, Wang and Liu: SPAM: Spike-Aware Adam with Momentum Reset for Stable LLM Training",
    year=2025,
    url="https://arxiv.org/abs/2501.06842",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "rest", "scale", "sign"),
    expected_failures={"inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16},
    proof="an independent implementation",
)
def spam(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    *,
    threshold: Scalar = 5000.0,
    restart_every: Scalar = 500,
    pause: Scalar = 20,
    warmup_steps: Scalar = 150,
    eps: Scalar = 1e-6,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
) -> Pipeline:
    r"""SPAM: Adam on gradients whose spikes are clipped, and whose averages start anew every so many steps.

    .. math::

        \tilde g_t &= \mathrm{sign}(g_t) \min(|g_t|, \sqrt{\theta v_{t-1}}), \qquad
                      m_{t-1} = v_{t-1} = 0 \text{ where } t \text{ is a multiple of } T \\
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) \tilde g_t, \qquad
               v_t = \beta_2 v_{t-1} + (1 - \beta_2) \tilde g_t^2 \\
        p_t &= (1 - a_t \lambda) \left( p_{t-1} - a_t \frac{m_t / (1 - \beta_1^t)}{(\sqrt{v_t} + \epsilon)
               / \sqrt{1 - \beta_2^t}} \right)

    The rate a is alpha, and after each restart grows from a hundredth of it by a cosine, see `restart_warmup`.

    Args:
      learning_rate: ... Default of the authors' code, like all that follow.
      threshold: theta, how many times the average a square may be, above 0.
      restart_every: T, after how many steps the averages are forgotten, at least 1.
      pause: how many steps after the start, and after each restart, no gradient is clipped.
      warmup_steps: how many steps after a restart it takes the rate to grow back.
      eps: added outside the root, before it is corrected.
      weight_decay: the coefficient lambda of decoupled decay, of the parameters that a step leads to, at least 0, or a
        schedule; None or 0 for none.

    State:
      `state["numerator"].estimator.estimator.value`: m, and `state["denominator"].estimator.estimator.value`: v, both
      shaped like the parameters; `.weight` of each slot: 1 - beta^t (scalar); `.count` of the slot gradient, the rate
      and both `estimator`: steps taken (int32 scalars). 8 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.spam(1e-3).slots["gradient"], zoo.spam(1e-3).slots["numerator"]
      (clip_spikes(every=500), debiased(restarted(ema(0.9), 500)))

    Claim:
      Use it when the loss of a language model in training spikes, with gradients that are a thousand times larger than
      usual in some elements.

    Source:
      T. Huang et al. (2025); TianjinYellow/SPAM-Optimizer, whose rule this is, without the random masks that save
      memory there. The correction of the averages does not start anew with them: the first steps after a restart
      would be short even without the warm-up. An element that has had no gradient since a restart is clipped to 0 from
      then on, until the next one. pytorch_optimizer 4.1.0, whose trajectories are replayed, warms up over 50 steps,
      ahead by one step, and lets the decay follow alpha rather than a.
    """

    def average(decay: Decay, **of: Any) -> Part:
        return restarted(ema(decay, accumulator_dtype=accumulator_dtype, **of), restart_every)

    rate: Any = restart_warmup(learning_rate, restart_every, warmup_steps)
    return pipeline(
        gradient=clip_spikes(threshold, pause=pause, every=restart_every),
        numerator=debiased(average(b1)),
        denominator=debiased(root(average(b2, of=square), eps=eps)),
        learning_rate=rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask, of_new=True),
    )
