"""Momentum whose leading directions are stepped along at equal length, and are taken out of it (Dion)."""

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, Self, TypeAlias

import jax
import jax.numpy as jnp

from optax_zoo import _checks
from optax_zoo.primitives.batched import batched
from optax_zoo.primitives.initial import wrap_key
from optax_zoo.primitives.layout import laid_out_like, product, whole, whole_rows
from optax_zoo.primitives.matrices import MatrixAxes, OutputAxes, check_outputs, matrix_axes, seen_as_matrices
from optax_zoo.primitives.orthonormal import FACTORIZATIONS, Factorization
from optax_zoo.primitives.overflow import bounded
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import lift, zeros, zeros_for
from optax_zoo.primitives.stacked import Stacked, check_stacked
from optax_zoo.primitives.statistics import identity
from optax_zoo.primitives.turns import in_turn
from optax_zoo.primitives.types import DType, Key, Scalar

Side: TypeAlias = Literal["outputs", "inputs", "longer"]


class LowRankMomentumState(NamedTuple):
    """State of `low_rank_momentum`.

    Attributes:
      momentum: M, a tree of arrays shaped like the parameters (float32 or wider unless told otherwise).
      right: Q, shaped like the parameters, but that the side which P is on has the length r.
    """

    momentum: Any
    right: Any


@primitive
def low_rank_momentum(
    decay: Scalar = 0.95,
    *,
    rank: int | None = None,
    rank_fraction: float | None = None,
    rank_multiple_of: int = 1,
    iterations: int = 1,
    factorization: Factorization = "cholesky",
    side: Side = "longer",
    eps: Scalar = 1e-8,
    outputs: OutputAxes = "last",
    stacked: Stacked = None,
    average_over: Any = None,
    key: Key | None = None,
    accumulator_dtype: DType = None,
) -> Rule:
    r"""Sums up gradients, steps along the leading directions of the sum, and takes most of these out of it (Dion).

    .. math::

        B &= M + G, \qquad P = \mathrm{orthonormal}(B Q), \qquad R = B^T P \\
        M &\leftarrow B - (1 - \mu) P R^T, \qquad Q_{:j} \leftarrow \frac{R_{:j}}{\|R_{:j}\| + \epsilon}, \qquad
        u = P Q^T

    Q follows the leading right singular vectors of B from step to step. What P and R miss of B stays in M. Of a leaf
    that is split over devices nothing as large as it is communicated, but matrices (m, r), (n, r) and (r, r).

    A leaf of more than two axes is seen as a matrix of its output axis and all others together.

    Args:
      decay: mu, what stays of the part that is stepped along, in [0, 1).
      rank: r, at most the shorter side; None for `rank_fraction` of that.
      rank_fraction: above 0, at most 1; None for 1. Under `optax.inject_hyperparams` name it in `static_args`.
      rank_multiple_of: r is rounded up to a multiple of it, or to the shorter side.
      iterations: how many power iterations a step takes.
      factorization: how the columns of P become orthonormal. "cholesky": by the triangular factor of their products,
        three times; "sketched": by that of a random mixture of their rows, and once by that of their products; of both
        each device computes its own rows. "qr": by Householder's reflections, in one piece.
      side: which side P is on: "outputs", "inputs", or the "longer", outputs where both are as long. Q is on the other.
      eps: added to the norms of the columns of R.
      outputs: which axes of a leaf have its outputs, see `orthogonalize`.
      stacked: which axes of a leaf stack layers, each of which is a matrix of its own; see `normalize_by_norm`.
      average_over: names of axes of `jax.pmap` or `jax.shard_map` whose devices have gradients of their own: P and R
        are averaged over them, in place of the gradients, and each device keeps an M of its own. The steps are those
        for the mean gradient.
      key: of the draws that Q starts from, see `random_normal`; leaves of equal shapes start from the same.
      accumulator_dtype: dtype of M and Q; by default the gradient's, at least float32.

    Returns:
      A transformation with state `LowRankMomentumState`; it refuses leaves of less than two axes. Where B is 0, u is 0
      and Q stays. Directions that B does not have, where its rank is less than r, are noise of rounding made as long as
      the others with "qr", and remain short otherwise.

    Raises:
      ValueError: for a number outside its range; for a leaf that is not a matrix, with its path.

    Source:
      K. Ahn et al. (2025): Dion: Distributed Orthonormalized Updates.
    """
    _checks.decay("decay", decay)
    _checks.whole("rank", 1 if rank is None else rank)
    _checks.whole("rank_multiple_of", rank_multiple_of)
    _checks.whole("iterations", iterations)
    _checks.static("rank_fraction", rank_fraction)
    fraction = 1 if rank_fraction is None else rank_fraction
    _checks.scalar("rank_fraction", fraction, "above 0 and at most 1", lambda x: 0 < x <= 1)
    _checks.non_negative("eps", eps)
    _checks.one_of("factorization", factorization, FACTORIZATIONS)
    _checks.one_of("side", side, ["outputs", "inputs", "longer"])
    check_outputs(outputs)
    check_stacked(stacked)
    start = jax.random.key(0) if key is None else wrap_key(key)
    iterated = functools.partial(_iterated, FACTORIZATIONS[factorization], iterations, eps, average_over)

    def rank_of(shorter: int) -> int:
        wanted = fraction * shorter if rank is None else rank
        return min(shorter, rank_multiple_of * math.ceil(wanted / rank_multiple_of))

    def all_seen(tree: Any) -> list[_Seen]:
        all_axes = matrix_axes(tree, outputs, stacked)
        _check_matrices(tree, all_axes)
        return [_Seen.of(axes, side, rank_of(min(axes.rows, axes.columns))) for axes in all_axes]

    def init(params: Any) -> LowRankMomentumState:
        momentum = jax.tree.map(lambda p: zeros_for(identity, p, accumulator_dtype), params)
        leaves, treedef = jax.tree.flatten(momentum)
        right = [seen.drawn(start, leaf) for seen, leaf in zip(all_seen(momentum), leaves, strict=True)]
        return LowRankMomentumState(momentum, jax.tree.unflatten(treedef, right))

    def update(
        updates: Any, state: LowRankMomentumState, params: Any = None, **extra_args: Any
    ) -> tuple[Any, LowRankMomentumState]:
        sums, treedef = jax.tree.flatten(jax.tree.map(lambda g, m: bounded(g) + lift(m), updates, state.momentum))
        before, seen = list(map(lift, jax.tree.leaves(state.right))), all_seen(updates)
        found = batched(
            iterated,
            [of_leaf.matrices(b) for of_leaf, b in zip(seen, sums, strict=True)],
            [of_leaf.right(q) for of_leaf, q in zip(seen, before, strict=True)],
            decomposes=True,
        )

        def stepped(of_leaf: _Seen, b: jax.Array, q: jax.Array, of_matrix: Any) -> tuple[jax.Array, ...]:
            p, r, after = of_matrix
            rest = b - (1 - decay) * of_leaf.leaf(product(p, r.mT.conj()), b)
            return rest, of_leaf.leaf_of_right(after, q), of_leaf.leaf(product(p, after.mT.conj()), b)

        of_leaves = in_turn(stepped, seen, sums, before, found)
        momentum, right, steps = (jax.tree.unflatten(treedef, [each[i] for each in of_leaves]) for i in range(3))
        return steps, LowRankMomentumState(momentum, right)

    return Rule(init, update, seen=seen_as_matrices(outputs, stacked))


def _check_matrices(tree: Any, all_axes: Sequence[MatrixAxes]) -> None:
    for (path, leaf), axes in zip(jax.tree.leaves_with_path(tree), all_axes, strict=True):
        if not axes.is_matrix:
            raise ValueError(
                f"low_rank_momentum needs matrices, but the leaf {jax.tree_util.keystr(path)} has the shape "
                f"{jnp.shape(leaf)}: give it to another optimizer with route(matrices=..., rest=...)."
            )


@dataclasses.dataclass(frozen=True)
class _Seen:
    """How a leaf is seen as B (layers, m, n), and the leaf of its Q as (layers, n, r).

    Attributes:
      axes: of the leaf.
      on_outputs: whether P, of m rows, is on the side of the outputs.
      rank: r.
    """

    axes: MatrixAxes
    on_outputs: bool
    rank: int

    @classmethod
    def of(cls, axes: MatrixAxes, side: Side, rank: int) -> Self:
        return cls(axes, side == "outputs" or (side == "longer" and axes.columns >= axes.rows), rank)

    def matrices(self, x: jax.Array) -> jax.Array:
        found = self.axes.matrices(x if len(self.axes.shape) == 2 else whole(x))
        return found.mT if self.on_outputs else found

    def leaf(self, matrices: jax.Array, like: jax.Array) -> jax.Array:
        return laid_out_like(self.axes.leaf(matrices.mT if self.on_outputs else matrices), like)

    @property
    def _of_right(self) -> MatrixAxes:
        """The leaf of Q has the axes of the parameter; those on the side of P have r numbers together."""
        shortened = self.axes.outputs if self.on_outputs else self.axes.inputs
        shape = [1 if axis in shortened else n for axis, n in enumerate(self.axes.shape)]
        shape[shortened[-1]] = self.rank
        return dataclasses.replace(self.axes, shape=tuple(shape))

    def right(self, q: jax.Array) -> jax.Array:
        found = self._of_right.matrices(q if len(self.axes.shape) == 2 else whole(q))
        return whole_rows(found if self.on_outputs else found.mT)

    def leaf_of_right(self, matrices: jax.Array, like: jax.Array) -> jax.Array:
        return laid_out_like(self._of_right.leaf(matrices if self.on_outputs else matrices.mT), like)

    def drawn(self, key: jax.Array, momentum: jax.Array) -> jax.Array:
        """Q at first: independent normal numbers, the same for each layer."""
        shape = self._of_right.shape
        of_layer = [1 if axis in self.axes.layers else n for axis, n in enumerate(shape)]
        numbers = jax.random.normal(key, of_layer, momentum.real.dtype).astype(momentum.dtype)
        equal = tuple(n if n == of_momentum else 1 for n, of_momentum in zip(shape, momentum.shape, strict=True))
        return jnp.broadcast_to(numbers, shape) + zeros(momentum, equal, momentum.dtype)  # which are split as it is


def _iterated(
    orthonormal: Callable[[jax.Array], jax.Array],
    iterations: int,
    eps: Scalar,
    average_over: Any,
    b: jax.Array,
    q: jax.Array,
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """P, R and Q of a matrix, by power iterations."""

    def averaged(x: jax.Array) -> jax.Array:
        return x if average_over is None else jax.lax.pmean(x, average_over)

    if not b.size:
        return b @ q, q, q
    largest = jnp.max(jnp.abs(b))
    if average_over is not None:
        largest = jax.lax.pmax(largest, average_over)
    unit = jnp.where(largest == 0, 1, jnp.maximum(largest, jnp.finfo(b.dtype).tiny))
    left, right = b, _unit_columns(q)
    for _ in range(iterations):
        left = orthonormal(averaged(product(b, right / unit)))
        right = averaged(product(b.mT.conj(), left / unit))
    lengths = jnp.linalg.norm(right, axis=-2, keepdims=True)
    moves = (largest > 0) & jnp.all(jnp.isfinite(left))
    after = jnp.where(moves, right / (lengths + eps / unit), q)
    return jnp.where(moves, left, 0), jnp.where(moves, unit * right, 0), after


def _unit_columns(q: jax.Array) -> jax.Array:
    """Columns whose largest numbers are 1, so that no product of theirs vanishes: their factor is the same."""
    largest = jnp.max(jnp.abs(q), axis=-2, keepdims=True)
    return q / jnp.where(largest == 0, 1, largest)
