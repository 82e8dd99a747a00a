"""Conda."""

import optax
from optax import ScalarOrSchedule

from optax_zoo.algorithms.low_rank.galore import galore
from optax_zoo.parts import debiased, decoupled_decay, ema, optional, root, square, subspace
from optax_zoo.pipeline import pipeline
from optax_zoo.primitives.matrices import OutputAxes
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.subspace import Side, Vectors
from optax_zoo.primitives.types import Decay, DType, Mask, Scalar
from optax_zoo.registry import algorithm
from optax_zoo.route import By, Route, matrices, route


@algorithm(
    variant_of=galore,
    full_name="Conda: Adam whose squares are in the singular basis of its average gradient",
    paper="Wang and others: Conda: Column-Normalized Adam for Training Large Language Models Faster",
    year=2025,
    url="https://arxiv.org/abs/2509.24218",
    example={"learning_rate": 1e-2, "rank": 2, "every": 2, "scale": 1.0},
    claims=("apart", "order", "rest", "scale"),
)
def conda(
    learning_rate: ScalarOrSchedule = 1e-3,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    *,
    rank: int | None = None,
    every: int = 2000,
    scale: Scalar = 0.25,
    side: Side = "smaller",
    vectors: Vectors = "singular",
    staggered: bool = False,
    eps: Scalar = 1e-8,
    weight_decay: Decay | None = None,
    weight_decay_mask: Mask = None,
    rest: optax.GradientTransformation | None = None,
    by: By | None = None,
    outputs: OutputAxes = "last",
    stacked: Stacked = None,
    accumulator_dtype: DType = None,
) -> Route:
    r"""Conda: Adam's average gradient and squares in the basis of the singular vectors of that average.

    .. math::

        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) G_t, \qquad
               U = \text{left singular vectors of } m_t \text{ every so many steps, else as before} \\
        v_t &= \beta_2 v_{t-1} + (1 - \beta_2) (U^T G_t)^2 \\
        P_t &= (1 - \alpha_t \lambda) \left( P_{t-1} - \alpha_t \, s \, U
               \frac{U^T m_t / (1 - \beta_1^t)}{(\sqrt{v_t} + \epsilon) / \sqrt{1 - \beta_2^t}} \right)

    for matrices of at most as many rows as columns, right singular vectors for others. m is outside the basis, and so
    carried over when that changes; v stays as it is.

    Args:
      learning_rate: ... Default of the authors' code, like eps; every and scale of their scripts.
      rank: how many singular vectors, at least 1; None for all.
      eps: added to the root before it is corrected.

    State:
      `state["matrices"]`: `["numerator"].estimator.value`: m, and `["denominator"].estimator.value`: v, shaped like the
      matrix, `["basis"].vectors`: U of shape (rows, rows); `state["rest"]`: that of the other optimizer. 12 bytes a
      parameter. That is of a matrix of 1,024 x 1,024; of one of 1,024 x 4,096 it is 9.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.conda().slots["matrices"].slots["basis"]
      subspace(every=2000, scale=0.25, of_average=True)

    Claim:
      Use it when language models are pretrained and Adam is too slow: it needs about half the steps.

    Source:
      J. Wang et al. (2025); jie040109/Conda. It differs from `galore` in the whole basis and the average outside; from
      `soap`, whose basis is of averaged covariances, on both sides and renewed more often. pytorch_optimizer counts
      steps from 1, see `galore`, and has s = 1 by default.
    """
    hidden = pipeline(
        basis=subspace(
            rank,
            every,
            side=side,
            vectors=vectors,
            scale=scale,
            of_average=True,
            staggered=staggered,
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
