"""StableAdamW."""

from typing import Any

from optax import ScalarOrSchedule

from optax_zoo.algorithms.adam.adam import adam
from optax_zoo.parts import clip_by_norm, coupled_decay, in_series, optional, whitened_gradient
from optax_zoo.pipeline import Pipeline
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    variant_of=adam,
    full_name="StableAdamW: AdamW with Adafactor's clip of steps",
    paper="Wortsman et al.: Stable and low-precision training for large-scale vision-language models",
    year=2023,
    url="https://arxiv.org/abs/2304.13013",
    example={"learning_rate": 1e-2, "weight_decay": 1e-4},
    claims=("apart", "order", "scale"),
    expected_failures={},
)
def stableadamw(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.9,
    b2: Decay = 0.99,
    *,
    eps: Scalar = 1e-6,
    clip_threshold: Scalar = 1.0,
    weight_decay: Decay | None = 1e-2,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
    axis_name: Any = None,
    stacked: Stacked = None,
) -> Pipeline:
    r"""StableAdamW: AdamW that steps less far where gradients have grown faster than their average square.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2, \qquad
               \hat v_t = v_t / (1 - \beta_2^t) \\
        r_t &= \sqrt{\text{mean}(g_t^2 / \max(\hat v_t, \epsilon^2))} \quad \text{(of each leaf)} \\
        p_t &= p_{t-1} - \frac{\alpha_t}{\max(1, r_t / d)} \left( \frac{m_t / (1 - \beta_1^t)}{\sqrt{\hat v_t}
               + \epsilon} + \lambda p_{t-1} \right)

    Args:
      learning_rate: ... Default of pytorch_optimizer.
      b2: ... Default of optimi, like the others.
      eps: added outside the root, and the least that the root counts in r.
      clip_threshold: d, the largest r that leaves a step as it is, above 0.
      weight_decay: the coefficient lambda, at least 0, or a schedule; None or 0 for none. It follows the clipped rate.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.stableadamw(1e-3).slots["rescale"]
      serial(decay=coupled_decay(0.01), clip=clip_by_norm('avg_l2', 1, eps=0, of=whitened_gradient(1e-06)))

    Claim:
      Use it when the loss of a large model has spikes: the paper's vision-language models lose them with this clip, and
      do without one of gradients.

    Source:
      M. Wortsman et al. (2023), algorithm 2, which divides m and v by no weight but lets their decays grow, which is
      the same; optimi and pytorch_optimizer agree to 1e-11. timm has the clip as an option of AdamW and NAdamW, of the
      gradient over root plus eps, and without effect on the decay. The option stable_adamw of pytorch_optimizer's
      other classes takes v without its correction.
    """
    plain = adam(learning_rate, b1, b2, eps=eps, accumulator_dtype=accumulator_dtype)
    clip = clip_by_norm(
        "avg_l2", clip_threshold, eps=0.0, of=whitened_gradient(eps), axis_name=axis_name, stacked=stacked
    )
    return plain.replace(
        rescale=in_series(decay=optional(coupled_decay, weight_decay, weight_decay_mask), clip=clip),
    )
