"""Dion."""

import optax
from optax import ScalarOrSchedule

from optax_zoo.algorithms._reasons import WHOLE_MATRICES
from optax_zoo.algorithms.adam.adam import adamw
from optax_zoo.parts import decoupled_decay, low_rank_momentum, optional, scale_by_shape
from optax_zoo.pipeline import pipeline
from optax_zoo.primitives.low_rank_momentum import Side
from optax_zoo.primitives.matrices import OutputAxes
from optax_zoo.primitives.orthonormal import Factorization
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.types import Decay, DType, Key, Mask, Scalar
from optax_zoo.registry import algorithm
from optax_zoo.route import By, Route, matrices, route


@algorithm(
    full_name="Dion: orthonormal steps of low rank, with error feedback",
    paper="Ahn, Xu, Abreu, Fan, Magakyan, Sharma, Zhan and Langford: Dion: Distributed Orthonormalized Updates",
    year=2025,
    url="https://arxiv.org/abs/2504.05295",
    example={"learning_rate": 5e-3, "rank": 2},
    claims=("apart", "order"),
    expected_failures={
        "shard_map_sharded": WHOLE_MATRICES,
        "no_collectives": "it sums up matrices of r columns over the devices that a leaf is split over",
    },
    proof="authors' code",
)
def dion(
    learning_rate: ScalarOrSchedule = 1e-2,
    momentum: Scalar = 0.95,
    *,
    rank: int | None = None,
    rank_fraction: float | None = None,
    rank_multiple_of: int = 1,
    iterations: int = 1,
    factorization: Factorization = "cholesky",
    side: Side = "longer",
    eps: Scalar = 1e-8,
    weight_decay: Decay | None = 1e-2,
    weight_decay_mask: Mask = None,
    rest: optax.GradientTransformation | None = None,
    by: By | None = None,
    outputs: OutputAxes = "last",
    stacked: Stacked = None,
    average_over: object = None,
    key: Key | None = None,
    accumulator_dtype: DType = None,
) -> Route:
    r"""Dion: the leading directions of summed gradients, made orthonormal, with what they miss kept for later steps.

    .. math::

        B_t &= M_{t-1} + G_t, \qquad P_t = \mathrm{orthonormal}(B_t Q_{t-1}), \qquad R_t = B_t^T P_t \\
        M_t &= B_t - (1 - \mu) P_t R_t^T, \qquad
               Q_{t,:j} = \frac{R_{t,:j}}{\|R_{t,:j}\| + \epsilon} \\
        W_t &= (1 - \alpha_t \lambda) W_{t-1} - \alpha_t \sqrt{n_{out} / n_{in}} \; P_t Q_t^T

    Embeddings, heads and the first layer belong to the rest even where they are matrices: name them,
    `dion(by=matrices(but=("embedding", "head")))`.

    Args:
      learning_rate: the rate alpha of the matrices, at least 0, or a schedule. Default of the authors' code, like all
        that follow, but for `factorization`.
      momentum: mu, what stays in M of what is stepped along, in [0, 1).
      rank: r, how many directions, at most the shorter side; None for `rank_fraction` of that.
      rank_fraction: above 0, at most 1; None for 1. Under `optax.inject_hyperparams` name it in `static_args`.
      rank_multiple_of: r is rounded up to a multiple of it, or to the shorter side.
      iterations: how many power iterations a step takes.
      factorization: how the columns of P become orthonormal: "cholesky", "sketched" (the authors' "rcqr") or "qr", see
        `low_rank_momentum`. The first two communicate least.
      side: which side P is on: "outputs" or "inputs", or the "longer", outputs where both are as long.
      eps: added to the norms of the columns of R, and outside the root of the rest.
      weight_decay: the coefficient lambda of decoupled decay, at least 0, or a schedule; None or 0 for none.
      rest: the optimizer of the rest; None stands for `adamw` at the same rate with b1 0.9, b2 0.95 and the same
        decay.
      by: which leaves are "matrices" and which "rest", see `route`; None stands for `matrices(stacked=stacked)`: all
        leaves of two or more axes.
      outputs: which axes of a leaf have its outputs, see `orthogonalize`.
      stacked: which axes of a leaf stack layers, each of which is a matrix of its own; see `normalize_by_norm`.
      average_over: names of axes of `jax.pmap` or `jax.shard_map` whose devices have gradients of their own: (m, r) and
        (n, r) matrices are averaged over them in place of gradients, each device keeps an M of its own, and all take
        the steps for the mean. Gradients of the rest are for the loop to average.

    State:
      `state["matrices"]["numerator"].momentum`: M, shaped like the matrices, and `.right`: Q, so but of length r on the
      side of P, None for other leaves; `state["rest"]`: that of the other optimizer. 8 bytes a parameter.

    Example:
      >>> import optax_zoo as zoo
      >>> zoo.dion(rank_fraction=0.25).slots["matrices"].slots["numerator"]
      low_rank_momentum(rank_fraction=0.25)

    Claim:
      Use it when matrices are split over devices, and the larger they are, with the lower a rank.

    Source:
      K. Ahn et al. (2025); microsoft/dion. Its trajectories are those of dion_simple.py in float64, whose P is on the
      side of the outputs. Dion of that repository puts P on the longer side of a matrix that is in one piece, and of
      one that is split where it is split over the inner axis of the mesh, so that its steps depend on the mesh; here
      they do not. It leaves a matrix alone whose B is 0, which the simple form does not: there Q becomes 0, and P,
      the factor of 0, the first axes. Its "cqr" falls back to "rcqr" where Cholesky's factor does not exist; here
      "cholesky" adds a small multiple of the identity, and needs no draws.
    """
    leading = low_rank_momentum(
        momentum,
        rank=rank,
        rank_fraction=rank_fraction,
        rank_multiple_of=rank_multiple_of,
        iterations=iterations,
        factorization=factorization,
        side=side,
        eps=eps,
        outputs=outputs,
        stacked=stacked,
        average_over=average_over,
        key=key,
        accumulator_dtype=accumulator_dtype,
    )
    hidden = pipeline(
        numerator=leading,
        rescale=scale_by_shape("ratio", outputs=outputs, stacked=stacked),
        learning_rate=learning_rate,
        decay=optional(decoupled_decay, weight_decay, weight_decay_mask),
    )
    if rest is None:
        rest = adamw(learning_rate, 0.9, 0.95, eps=eps, weight_decay=weight_decay)
    return route(matrices=hidden, rest=rest, by=matrices(stacked=stacked) if by is None else by)
