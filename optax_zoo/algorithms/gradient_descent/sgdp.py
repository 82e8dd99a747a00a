"""SGDP."""

from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.algorithms._reasons import SUMS_OF_GRADIENTS, WHOLE_CHANNELS
from optax_zoo.parts import coupled_decay, optional, scaled, tangential, trace
from optax_zoo.pipeline import Pipeline, pipeline
from optax_zoo.primitives.matrices import Outputs
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm


@algorithm(
    full_name="SGDP: momentum off the radius of scale-invariant weights",
    paper="Heo et al.: AdamP: Slowing Down the Slowdown for Momentum Optimizers on Scale-invariant Weights",
    year=2021,
    url="https://arxiv.org/abs/2006.08217",
    example={"learning_rate": 1e-3},
    claims=("apart", "order", "rest", "sign"),
    expected_failures={
        "huge_gradients": SUMS_OF_GRADIENTS,
        "shard_map_sharded": WHOLE_CHANNELS,
        "no_collectives": WHOLE_CHANNELS,
    },
    proof="authors' code",
)
def sgdp(
    learning_rate: ScalarOrSchedule = 1e-2,
    decay: Scalar = 0.9,
    *,
    nesterov: bool = False,
    delta: Scalar = 0.1,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    decay_share: Scalar = 0.1,
    outputs: Outputs = "last",
    accumulator_dtype: DType = None,
    stacked: Stacked = None,
) -> Pipeline:
    r"""SGDP: momentum whose steps do not lengthen parameters that only have a direction.

    .. math::

        v_t &= \mu v_{t-1} + g_t, \qquad \hat{p} = \frac{p_{t-1}}{\|p_{t-1}\|} \\
        p_t &= p_{t-1} - \alpha_t \left( v_t - \hat{p} (\hat{p} \cdot v_t) + \frac{r \lambda}{1 - \mu} p_{t-1} \right)
               \quad \text{where } |\cos(g_t, p_{t-1})| < \delta / \sqrt{n} \\
        p_t &= p_{t-1} - \alpha_t \left( v_t + \frac{\lambda}{1 - \mu} p_{t-1} \right) \quad \text{elsewhere}

    The cosine is that of each channel of n elements, and must be so small for all of them; else it is that of the
    leaf, see `tangential`.

    Args:
      learning_rate: ... Default as of `momentum`, like decay.
      decay: mu, in [0, 1).
      delta: the threshold of the cosine, at least 0. Default of the authors' code, like decay_share.
      weight_decay: the coefficient lambda, at least 0, or a schedule; None or 0 for none.
      decay_share: r, the share of the decay that parameters which only have a direction are given, at least 0.
      outputs: which axis of a leaf has its channels: "last" as in Flax, "first" as in PyTorch.

    State:
      `state["momentum"].value`: v, shaped like the parameters. 4 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.sgdp(0.1, weight_decay=1e-4)
      pipeline(momentum=trace(0.9), rescale=tangential(decay=scaled(10, coupled_decay(0.0001))), learning_rate=0.1)

    Claim:
      Use it when a model has normalization layers behind its weights, as convolutional networks have: the paper finds
      that momentum lengthens such weights, which shrinks what their steps do.

    Source:
      B. Heo et al. (2021), algorithm 1. The authors' code, clovaai/AdamP, and torch-optimizer, made of it, subtract the
      component from the sum v itself, where nesterov is not set; the paper, pytorch_optimizer and this row leave v
      alone. With pytorch_optimizer coupled decay is added to a gradient that has been read, so that
      `weight_decouple=False` there is no decay at all.
    """
    _checks.decay("decay", decay)
    weights = optional(coupled_decay, weight_decay, weight_decay_mask)
    return pipeline(
        momentum=trace(decay, nesterov=nesterov, accumulator_dtype=accumulator_dtype),
        rescale=tangential(
            delta,
            decay=weights and scaled(1 / (1 - decay), weights),
            decay_share=decay_share,
            outputs=outputs,
            stacked=stacked,
        ),
        learning_rate=learning_rate,
    )
