"""APOLLO."""

import optax
from optax import ScalarOrSchedule

from optax_zoo import _checks
from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16, LAID_OUT_BY_JIT, WHOLE_MATRICES
from optax_zoo.algorithms.low_rank.galore import galore
from optax_zoo.parts import (
    decoupled_decay,
    ema,
    identity,
    in_series,
    limit_growth,
    optional,
    root,
    scale_by_bias_correction,
    scaled,
    scaled_as_within,
    square,
    subspace,
)
from optax_zoo.pipeline import pipeline
from optax_zoo.primitives.compensation import Per
from optax_zoo.primitives.matrices import OutputAxes
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.subspace import Side, Vectors
from optax_zoo.primitives.types import Decay, DType, Key, Mask, Scalar
from optax_zoo.registry import algorithm
from optax_zoo.route import By, Route, matrices, route


@algorithm(
    variant_of=galore,
    full_name="APOLLO: gradients scaled as Adam would scale a random projection of them",
    paper="Zhu, Zhang, Cong, Liu, Park, Chandra, Long, Pan, Wang and Lee: APOLLO: SGD-like Memory, AdamW-level "
    "Performance",
    year=2024,
    url="https://arxiv.org/abs/2412.05270",
    example={"learning_rate": 1e-2, "rank": 2, "every": 2},
    claims=("apart",),
    expected_failures={
        "inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16,
        "state_shardings_follow": LAID_OUT_BY_JIT,
        "shard_map_sharded": WHOLE_MATRICES,
        "no_collectives": WHOLE_MATRICES,
    },
    also_called=("apollo_adamw", "apollo_mini"),
)
def apollo(
    learning_rate: ScalarOrSchedule = 1e-2,
    b1: Scalar = 0.9,
    b2: Scalar = 0.999,
    *,
    rank: int = 256,
    every: int = 200,
    scale: Scalar = 1.0,
    per: Per = "channel",
    growth: Scalar | None = 1.01,
    side: Side = "smaller",
    vectors: Vectors = "random",
    staggered: bool = False,
    eps: Scalar = 1e-6,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    rest: optax.GradientTransformation | None = None,
    by: By | None = None,
    outputs: OutputAxes = "last",
    stacked: Stacked = None,
    key: Key | None = None,
    accumulator_dtype: DType = None,
) -> Route:
    r"""APOLLO: the gradient of each channel as long as Adam's step in a random subspace makes it.

    .. math::

        R_t &= U^T G_t, \quad U_{ij} \sim \mathcal{N}(0, 1 / r), \qquad D_t = \frac{m_t}{\sqrt{v_t} + \epsilon} \quad
               \text{with averages } m_t \text{ of } R_t \text{ and } v_t \text{ of } R_t^2 \\
        S_t &= G_t \, \mathrm{diag}_j \frac{\|D_{t,j}\|}{\|R_{t,j}\| + 10^{-8}}, \qquad
               \|S_t\| \text{ at most } 1.01 \, (\|S_{t-1}\| + 10^{-8}) \\
        P_t &= (1 - \alpha_t \lambda) \left( P_{t-1}
               - \alpha_t \sqrt{s} \, \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t} S_t \right)

    for matrices of at most as many rows as columns j; of others channels are rows. U is drawn anew every so many steps;
    in between it is not kept, but drawn from the same key. APOLLO-Mini is `apollo(rank=1, per="leaf", scale=128.0)`.

    Args:
      b1: decay of the average gradient, in [0, 1).
      b2: decay of the average squared gradient, in [0, 1).
      scale: s, what the square of steps of matrices is multiplied by, above 0.
      per: "channel": each channel has a factor of its own; "leaf": one for a matrix.
      growth: how many times as long a step may become from one step to the next, above 0; None for no limit.
      vectors: "random"; "singular" for GaLore's subspace, "iterated" for nearly that.

    State:
      `state["matrices"]`: `["numerator"].value`: m, and `["denominator"].value`: v, of shape (r, columns),
      `["rescale"]["growth"].norm`: the norm of S (scalar); `state["rest"]`: that of the other optimizer. 2 bytes a
      parameter. That is of a matrix of 1,024 x 1,024; with APOLLO-Mini it is 0.008, of vectors 8.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.apollo(rank=8).slots["matrices"].slots["basis"]
      subspace(8, vectors='random')

    Claim:
      Use it when there is memory for the parameters and little else: with rank 1 it needs hardly more than SGD.

    Source:
      H. Zhu et al. (2024); zhuhanqing/APOLLO, which keeps U, and can multiply by the root of s before the limit
      (`scale_front`). APOLLO of pytorch_optimizer is another algorithm on matrices: it scales the gradient in the
      subspace, maps that back, and multiplies by s once more. There and here the averages are kept when U changes. No
      kin of `apollo_dqn`, the quasi-Newton method of X. Ma (2020), which torch_optimizer has under this name.
    """
    _checks.positive("scale", scale)
    hidden = pipeline(
        basis=subspace(
            rank,
            every,
            side=side,
            vectors=vectors,
            staggered=staggered,
            key=key,
            outputs=outputs,
            stacked=stacked,
        ),
        numerator=ema(b1, accumulator_dtype=accumulator_dtype),
        denominator=root(ema(b2, of=square, accumulator_dtype=accumulator_dtype), eps=eps),
        rescale=in_series(
            scaled=scaled_as_within("whole", per=per),
            growth=None if growth is None else limit_growth(growth, stacked=stacked),
            factor=scaled(scale**0.5, identity),
            correction=scale_by_bias_correction(b1, b2),
        ),
        learning_rate=learning_rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask, of_new=True),
    )
    rest = hidden.replace(basis=None, rescale=scale_by_bias_correction(b1, b2)) if rest is None else rest
    return route(matrices=hidden, rest=rest, by=matrices(stacked=stacked) if by is None else by)
