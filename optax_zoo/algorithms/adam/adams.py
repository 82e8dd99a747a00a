"""AdamS."""

from typing import Any

from optax import ScalarOrSchedule

from optax_zoo.algorithms.adam.adam import adamw
from optax_zoo.parts import average_scale, decoupled_decay, optional
from optax_zoo.pipeline import Pipeline
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    variant_of=adamw,
    full_name="AdamS: Adam with stable weight decay",
    paper="Xie, Xu, Zhang, Sato and Sugiyama: On the Overlooked Pitfalls of Weight Decay and How to Mitigate Them: A "
    "Gradient-Norm Perspective",
    year=2023,
    url="https://arxiv.org/abs/2011.11152",
    example={"learning_rate": 1e-2, "weight_decay": 1e-4},
    claims=("order",),
    proof="an independent implementation",
)
def adams(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    *,
    eps: Scalar = 1e-8,
    eps_root: Scalar = 0.0,
    weight_decay: Decay | None = 1e-4,
    weight_decay_mask: Mask = None,
    accumulator_dtype: DType = None,
    axis_name: Any = None,
) -> Pipeline:
    r"""AdamS: AdamW whose decay is divided by the root mean square of the gradients, that of all parameters together.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        s_t &= \sqrt{\mathrm{mean}(v_t) / (1 - \beta_2^t)} + \epsilon
               \quad \text{(the mean over all elements of all leaves)} \\
        p_t &= p_{t-1} - \alpha_t \left( \frac{m_t / (1 - \beta_1^t)}{\sqrt{v_t / (1 - \beta_2^t) + \epsilon_r}
               + \epsilon} + \frac{\lambda}{s_t} p_{t-1} \right)

    Args:
      learning_rate: ... Default of pytorch_optimizer, like b1, b2, eps and weight_decay.
      weight_decay: the coefficient lambda, at least 0, or a schedule; None or 0 for none. It compares with that of
        coupled decay.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.adams(1e-3).slots["decay"]
      decoupled_decay(0.0001, over=average_scale('denominator'))

    Claim:
      Use it when AdamW generalizes less well than gradient descent with momentum, and you have to choose a decay: one
      serves all rates and phases of training.

    Source:
      Z. Xie et al. (2023), who first called it Stable Weight Decay; pytorch_optimizer 4.1.0, whose trajectories are
      replayed. Unlike with `adamw`, all gradients times a hundred make the decay a hundred times weaker, and one large
      leaf weakens that of all others.
    """
    plain = adamw(
        learning_rate, b1, b2, eps=eps, eps_root=eps_root, weight_decay=None, accumulator_dtype=accumulator_dtype
    )
    scale = average_scale(eps=eps, axis_name=axis_name)
    return plain.replace(decay=optional(decoupled_decay, weight_decay, weight_decay_mask, over=scale))
