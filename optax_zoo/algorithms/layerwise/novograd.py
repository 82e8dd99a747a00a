"""NovoGrad."""

from typing import Any

from optax import ScalarOrSchedule

from optax_zoo.parts import coupled_decay, ema, in_series, leaf_sum, optional, root, square, trace
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="NovoGrad: layer-wise adaptive moments",
    paper="Ginsburg et al.: Training Deep Networks with Stochastic Normalized Gradient Descent and Layerwise "
    "Adaptive Second Moments",
    year=2019,
    url="https://arxiv.org/abs/1905.11286",
    example={"learning_rate": 1e-2},
    claims=("apart", "order", "rest", "scale", "sign"),
    proof="authors' code",
    also_called=("NvNovoGrad",),
)
def novograd(
    learning_rate: ScalarOrSchedule = 1e-2,
    b1: Decay = 0.95,
    b2: Decay = 0.98,
    *,
    eps: Scalar = 0.0,
    eps_root: Scalar = 1e-8,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    grad_averaging: bool = False,
    nesterov: bool = False,
    reseed: bool = True,
    accumulator_dtype: DType = None,
    axis_name: Any = None,
    stacked: Stacked = None,
) -> Pipeline:
    r"""NovoGrad: each layer's gradient over the root of its average squared norm, then decay and momentum.

    .. math::

        v_t &= \beta_2 v_{t-1} + (1 - \beta_2) \|g_t\|^2, \qquad v_1 = \|g_1\|^2 \quad \text{(per leaf)} \\
        m_t &= \beta_1 m_{t-1} + \frac{g_t}{\sqrt{v_t + \epsilon_r} + \epsilon} + \lambda p_{t-1} \\
        p_t &= p_{t-1} - \alpha_t m_t

    Args:
      learning_rate: ... Default of the paper's ImageNet runs.
      b1: decay of the momentum, in [0, 1), or a function of the number of steps taken.
      b2: decay of the average squared norm, in [0, 1), or a function of the number of steps taken.
      weight_decay: the coefficient lambda, at least 0, or a schedule; None or 0 for none. It decays through the
        momentum.
      grad_averaging: average instead of sum: what enters the momentum is multiplied by 1 - b1.
      reseed: let a leaf's v start over with its first gradient that is not 0 (OpenSeq2Seq, timm); else only the first
        step seeds v, even with 0 (tensorflow-addons).
      accumulator_dtype: dtype of m; by default the gradient's, at least float32, like that of v.

    State:
      `state["denominator"].value`: v, a scalar a leaf (of stacked layers one each); `state["momentum"].value`: m,
      shaped like the parameters (with weight decay `state["momentum"]["trace"].value`). A gradient whose squared norm
      is above the largest number of v (in float32 a norm of 1.8e19) makes v infinite, and g / sqrt(v) 0 from then on. 4
      bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.novograd(1e-2).slots["denominator"]
      root(ema(0.98, of=leaf_sum(square), seeded='while_zero'), eps=0, eps_root=1e-08)

    Claim:
      Use it when a choice of rate and initialization is to matter little, from small batches to very large ones, at
      half of Adam's memory.

    Source:
      B. Ginsburg et al. (2019); NVIDIA/OpenSeq2Seq, which b1, b2 and eps_root follow. That code computes v and never
      stores it, so that b2 has no effect there; here v is the documented average. timm and tensorflow-addons put eps
      outside the root. tensorflow-addons skips the factor of grad_averaging at the first step, which is
      `ema(b1, seeded="first_step")` as momentum. The OpenSeq2Seq text puts the rate inside m: the same while it is
      constant, else move the momentum to the velocity slot.
    """
    average = ema if grad_averaging else trace
    return pipeline(
        denominator=root(
            ema(b2, of=leaf_sum(square, axis_name, stacked), seeded="while_zero" if reseed else "first_step"),
            eps=eps,
            eps_root=eps_root,
        ),
        momentum=in_series(
            decay=optional(coupled_decay, weight_decay, weight_decay_mask),
            trace=average(b1, nesterov=nesterov, accumulator_dtype=accumulator_dtype),
        ),
        learning_rate=learning_rate,
    )
