"""AdamP."""

from optax import ScalarOrSchedule

from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16, WHOLE_CHANNELS
from optax_zoo.algorithms.adam.adam import adam
from optax_zoo.parts import coupled_decay, optional, tangential
from optax_zoo.pipeline import Pipeline
from optax_zoo.primitives.matrices import Outputs
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    variant_of=adam,
    full_name="AdamP: Adam off the radius of scale-invariant weights",
    paper="Heo et al.: AdamP: Slowing Down the Slowdown for Momentum Optimizers on Scale-invariant Weights",
    year=2021,
    url="https://arxiv.org/abs/2006.08217",
    expected_failures={
        "inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16,
        "shard_map_sharded": WHOLE_CHANNELS,
        "no_collectives": WHOLE_CHANNELS,
    },
    proof="authors' code",
)
def adamp(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    *,
    eps: Scalar = 1e-8,
    eps_root: Scalar = 0.0,
    delta: Scalar = 0.1,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    decay_share: Scalar = 0.1,
    outputs: Outputs = "last",
    accumulator_dtype: DType = None,
    stacked: Stacked = None,
) -> Pipeline:
    r"""AdamP: Adam whose steps do not lengthen parameters that only have a direction.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        u_t &= \frac{m_t / (1 - \beta_1^t)}{\sqrt{v_t / (1 - \beta_2^t) + \epsilon_r} + \epsilon}, \qquad
               \hat{p} = \frac{p_{t-1}}{\|p_{t-1}\| + \epsilon} \\
        p_t &= p_{t-1} - \alpha_t \left( u_t - \hat{p} (\hat{p} \cdot u_t) + r \lambda p_{t-1} \right)
               \quad \text{where } |\cos(g_t, p_{t-1})| < \delta / \sqrt{n} \\
        p_t &= p_{t-1} - \alpha_t \left( u_t + \lambda p_{t-1} \right) \quad \text{elsewhere}

    The cosine is that of each channel of n elements, and must be so small for all of them; else it is that of the
    leaf, see `tangential`.

    Args:
      learning_rate: ... Default of the authors' code, like the others.
      eps: ... Added to the norm of the parameters, too.
      delta: the threshold of the cosine, at least 0.
      weight_decay: the coefficient lambda of decoupled decay, at least 0, or a schedule; None or 0 for none.
      decay_share: r, the share of the decay that parameters which only have a direction are given, at least 0.
      outputs: which axis of a leaf has its channels: "last" as in Flax, "first" as in PyTorch.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.adamp(1e-3, weight_decay=1e-2).slots["rescale"]
      tangential(decay=coupled_decay(0.01))

    Claim:
      Use it when a model has normalization layers behind its weights: the paper reports better classifiers, detectors
      and audio models than with Adam at the same hyperparameters.

    Source:
      B. Heo et al. (2021), algorithm 2; clovaai/AdamP, with which timm and torch-optimizer agree. pytorch_optimizer
      adds eps to the uncorrected root, and adds coupled decay to a gradient that has been read, so that
      `weight_decouple=False` there is no decay at all.
    """
    plain = adam(learning_rate, b1, b2, eps=eps, eps_root=eps_root, accumulator_dtype=accumulator_dtype)
    decay = optional(coupled_decay, weight_decay, weight_decay_mask)
    return plain.replace(
        rescale=tangential(delta, eps=eps, decay=decay, decay_share=decay_share, outputs=outputs, stacked=stacked)
    )
