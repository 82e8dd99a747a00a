"""GaLore."""

import optax
from optax import ScalarOrSchedule

from optax_zoo.algorithms._reasons import INJECTED_IN_BFLOAT16, LAID_OUT_BY_JIT, WHOLE_MATRICES
from optax_zoo.parts import debiased, decoupled_decay, ema, optional, root, square, subspace
from optax_zoo.pipeline import pipeline
from optax_zoo.primitives.matrices import OutputAxes
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.subspace import Side, Vectors
from optax_zoo.primitives.types import Decay, DType, Key, Mask, Scalar
from optax_zoo.registry import algorithm
from optax_zoo.route import By, Route, matrices, route

EXPECTED_FAILURES = {
    "inject_hyperparams_bfloat16_default": INJECTED_IN_BFLOAT16,
    "state_shardings_follow": LAID_OUT_BY_JIT,
    "shard_map_sharded": WHOLE_MATRICES,
    "no_collectives": WHOLE_MATRICES,
}


@algorithm(
    full_name="GaLore: Adam in a subspace of each matrix's gradient",
    paper="Zhao, Zhang, Chen, Wang, Anandkumar and Tian: GaLore: Memory-Efficient LLM Training by Gradient Low-Rank "
    "Projection",
    year=2024,
    url="https://arxiv.org/abs/2403.03507",
    example={"learning_rate": 1e-2, "rank": 2, "every": 2, "scale": 1.0},
    claims=("apart", "order", "rest", "scale"),
    expected_failures=EXPECTED_FAILURES,
    proof="an independent implementation",
    also_called=("galore_adamw",),
)
def galore(
    learning_rate: ScalarOrSchedule = 1e-2,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    *,
    rank: int = 128,
    every: int = 200,
    scale: Scalar = 0.25,
    side: Side = "smaller",
    vectors: Vectors = "singular",
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
    r"""GaLore: Adam whose averages of a matrix are in a subspace, spanned by singular vectors of its gradient.

    .. math::

        U &= \text{leading r left singular vectors of } G_t \text{ every so many steps, else as before}, \qquad
             R_t = U^T G_t \\
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) R_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) R_t^2 \\
        P_t &= (1 - \alpha_t \lambda) \left( P_{t-1} - \alpha_t \, s \, U
               \frac{m_t / (1 - \beta_1^t)}{(\sqrt{v_t} + \epsilon) / \sqrt{1 - \beta_2^t}} \right)

    for matrices of at most as many rows as columns, right singular vectors for others. m and v stay as they are when U
    changes. What is no matrix takes the same steps without a subspace, and with s = 1.

    Args:
      learning_rate: ... Default of the authors' example, like rank, every and scale.
      rank: r, the dimension of the subspace, at least 1. A number above that of the matrix counts as that.
      every: how many steps a subspace serves, at least 1.
      scale: s, what steps of matrices are multiplied by.
      side: which side of a matrix is projected: "smaller", "larger", "inputs", "outputs" or "both"; see `subspace`.
      vectors: "singular"; "iterated" for a cheaper approximation; "random" for random directions; see `subspace`.
      staggered: renew the subspaces of different leaves at different steps, so that steps take alike.
      eps: added to the root before it is corrected. Default of the authors' code.
      weight_decay: the coefficient lambda of the decay after the step, at least 0, or a schedule; None or 0 for none.
      rest: the optimizer of the rest; None for the same without a subspace.
      by: which leaves are "matrices" and which "rest", see `route`; None stands for `matrices(stacked=stacked)`: all
        leaves of two or more axes.
      outputs: which axes of a leaf have its outputs, see `orthogonalize`.
      stacked: which axes of a leaf stack layers, each of which is a matrix of its own; see `normalize_by_norm`.

    State:
      `state["matrices"]`: `["numerator"].estimator.value`: m, and `["denominator"].estimator.value`: v, of shape
      (r, columns), `["basis"].vectors`: U of shape (rows, r); `state["rest"]`: that of the other optimizer. 1.5 bytes a
      parameter. That is of a matrix of 1,024 x 1,024; of one of 1,024 x 4,096 it is 1.1, of vectors 8.

    Raises:
      ValueError: for a number outside its range; from `init`, for a leaf that `by` sends nowhere.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.galore(rank=8).slots["matrices"].slots["basis"]
      subspace(8, scale=0.25)

    Claim:
      Use it when memory is short for Adam's averages, and full parameters are to be trained, not adapters.

    Source:
      J. Zhao et al. (2024); jiaweizzhao/GaLore. pytorch_optimizer counts steps from 1, and so renews at the first step
      and at every multiple of `every`, where the authors' code renews one step later; it projects leaves of two axes
      alone. optax.contrib.galore projects the larger side (`side="larger"`), with the eps of Adam's paper. Both take
      singular vectors in float32 whatever the gradient is in; here they are in the precision of the gradient. The signs
      of these are arbitrary, MKL and OpenBLAS choose them differently, and averages that stay when U changes depend on
      them: trajectories of different libraries part at the first renewal after the beginning. With both sides projected
      they part at once: there the first gradient is diagonal but for rounding, which Adam brings to full size.
    """
    hidden = pipeline(
        basis=subspace(
            rank,
            every,
            side=side,
            vectors=vectors,
            scale=scale,
            staggered=staggered,
            key=key,
            outputs=outputs,
            stacked=stacked,
        ),
        numerator=debiased(ema(b1, accumulator_dtype=accumulator_dtype)),
        denominator=debiased(root(ema(b2, of=square, accumulator_dtype=accumulator_dtype), eps=eps)),
        learning_rate=learning_rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask, of_new=True),
    )
    rest = hidden.replace(basis=None) if rest is None else rest
    return route(matrices=hidden, rest=rest, by=matrices(stacked=stacked) if by is None else by)
