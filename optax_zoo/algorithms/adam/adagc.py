"""AdaGC."""

from typing import Any

from optax import ScalarOrSchedule

from optax_zoo.algorithms.adam.adam import adamw
from optax_zoo.parts import clip_by_average_norm
from optax_zoo.pipeline import Pipeline
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    variant_of=adamw,
    full_name="AdaGC: AdamW with adaptive gradient clipping",
    paper="Wang, Li, Chen, Liu, Yuan, Song, Li, Wu, Yu, Ma and Wang: AdaGC: Improving Training Stability for Large "
    "Language Model Pretraining",
    year=2025,
    url="https://arxiv.org/abs/2502.11034",
    example={"learning_rate": 1e-2, "weight_decay": 1e-4},
    claims=("order",),
    proof="an independent implementation",
)
def adagc(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    *,
    beta: Scalar = 0.98,
    max_ratio: Scalar = 1.05,
    max_norm: Scalar = 1.0,
    clip_after: Scalar = 100,
    eps: Scalar = 1e-8,
    weight_decay: Decay | None = 0.1,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
    axis_name: Any = None,
    stacked: Stacked = None,
) -> Pipeline:
    r"""AdaGC: AdamW on gradients that are clipped, leaf by leaf, by the norms that they had on average.

    .. math::

        h_t &= \min \left( 1, \frac{r \gamma_{t-1}}{\|g_t\|} \right), \qquad \tilde g_t = h_t g_t, \qquad
               \gamma_t = \beta \gamma_{t-1} + (1 - \beta) \|\tilde g_t\| \quad \text{(per leaf, for } t \ge T) \\
        h_t &= \min \left( 1, \frac{c}{\|g_t\|_{all} + \epsilon} \right), \qquad \tilde g_t = h_t g_t, \qquad
               \gamma_t = \min(\gamma_{t-1}, \|\tilde g_t\|) \quad (t < T, \gamma_0 = \infty) \\
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) \tilde g_t, \qquad
               v_t = \beta_2 v_{t-1} + (1 - \beta_2) \tilde g_t^2 \\
        p_t &= p_{t-1} - \alpha_t \left( \frac{m_t / (1 - \beta_1^t)}{\sqrt{v_t / (1 - \beta_2^t)} + \epsilon}
               + \lambda p_{t-1} \right)

    Args:
      learning_rate: ... Default of pytorch_optimizer, like b1, b2, eps and weight_decay.
      beta: decay of the average norm gamma, in [0, 1). Default of the paper, like the next three.
      max_ratio: r, how many times the average a norm may be, above 0.
      max_norm: c, the largest norm of all leaves together in the warm-up, above 0.
      clip_after: T, the number of the first step that is clipped leaf by leaf.
      eps: ... It is the least that gamma and a norm count, too.
      axis_name: mesh axes that leaves are sharded over, see `normalize_by_norm`.

    State:
      `state["gradient"].norm`: gamma, a scalar a leaf, and `.count`: steps taken (int32 scalar);
      `state["numerator"].estimator.value`: m, and `state["denominator"].estimator.value`: v, both shaped like the
      parameters; `.weight` of both slots: 1 - beta^t (scalar). 8 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.adagc(1e-3).slots["gradient"]
      clip_by_average_norm()
      >>> zoo.lion(1e-4).replace(gradient=zoo.clip_by_average_norm()).slots["gradient"]  # of any row
      clip_by_average_norm()

    Claim:
      Use it when a large language model in training has spikes of loss that a clip of the norm of all gradients does
      not prevent.

    Source:
      G. Wang et al. (2025), algorithm 1; pytorch_optimizer 4.1.0, whose trajectories are replayed. It finds the norm of
      all leaves in float32, so that in float64 the recorded trajectories have seven digits. With its coupled decay, the
      norm of the warm-up is of some gradients with the decay and of others without, as the loop goes.
    """
    plain = adamw(
        learning_rate,
        b1,
        b2,
        eps=eps,
        weight_decay=weight_decay,
        weight_decay_mask=weight_decay_mask,
        accumulator_dtype=accumulator_dtype,
    )
    return plain.replace(
        gradient=clip_by_average_norm(
            beta,
            ratio=max_ratio,
            warmup_steps=clip_after,
            max_norm=max_norm,
            eps=eps,
            axis_name=axis_name,
            stacked=stacked,
        )
    )
