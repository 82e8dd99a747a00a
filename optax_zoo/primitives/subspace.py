"""Subspaces of matrices, in which Adam keeps few numbers (GaLore, Conda, APOLLO)."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.basis import BasisRule
from optax_zoo.primitives.initial import wrap_key
from optax_zoo.primitives.layout import laid_out_like, whole
from optax_zoo.primitives.matrices import (
    MatrixAxes,
    OutputAxes,
    check_outputs,
    is_of_shapes,
    matrix_axes,
    seen_as_matrices,
)
from optax_zoo.primitives.overflow import bounded
from optax_zoo.primitives.part import primitive
from optax_zoo.primitives.precision import lift
from optax_zoo.primitives.renewal import due, phases, renewed
from optax_zoo.primitives.singular import leading_vectors
from optax_zoo.primitives.stacked import Stacked, check_stacked
from optax_zoo.primitives.turns import in_turn
from optax_zoo.primitives.types import Key, Scalar

Side: TypeAlias = Literal["smaller", "larger", "inputs", "outputs", "both"]
Vectors: TypeAlias = Literal["singular", "iterated", "random"]
Draw: TypeAlias = Callable[[jax.Array, jax.Array, Any], Any]  # of a key, the number of a basis, and zeros to fill


class SubspaceState(NamedTuple):
    """State of `subspace`.

    Attributes:
      vectors: for each axis that is projected, a tree of orthonormal columns (axis, rank), a scalar 0 for leaves that
        are not. Of stacked layers one each, with the layers in front. None are kept where they are drawn.
      count: steps taken (int32 scalar).
    """

    vectors: tuple[Any, ...]
    count: Any


@dataclasses.dataclass(frozen=True)
class Projected:
    """How a leaf is seen, and which of its axes are projected.

    Attributes:
      axes: of the leaf as a matrix.
      sides: -2 where its inputs are projected, -1 where its outputs are; none for a leaf that stays as it is.
      rank: how many vectors there are on each of them.
    """

    axes: MatrixAxes
    sides: tuple[int, ...]
    rank: int

    def length(self, side: int) -> int:
        """Of an axis that is projected."""
        return self.axes.rows if side == -2 else self.axes.columns

    def layers(self) -> tuple[int, ...]:
        """The lengths of the axes that stack layers."""
        return tuple(self.axes.shape[axis] for axis in self.axes.layers)

    def held(self) -> tuple[int, ...]:
        """The shape of the leaf in the subspace."""
        inside = [self.rank if side in self.sides else self.length(side) for side in (-2, -1)]
        return (*self.layers(), *inside)

    def into(self, x: jax.Array, vectors: Sequence[jax.Array]) -> jax.Array:
        """A leaf in the subspace."""
        x = self.axes.matrices(whole(x))
        for side, own in zip(self.sides, map(whole, vectors), strict=True):
            x = own.mT.conj() @ x if side == -2 else x @ own
        return x

    def back(self, x: jax.Array, vectors: Sequence[jax.Array]) -> jax.Array:
        """A leaf of the subspace as a matrix outside it."""
        x = whole(x)
        for side, own in zip(self.sides, map(whole, vectors), strict=True):
            x = own @ x if side == -2 else x @ own.mT.conj()
        return x


def projected_leaves(
    tree: Any,
    rank: int | None,
    side: Side,
    outputs: OutputAxes = "last",
    stacked: Stacked = None,
    singular: bool = True,
) -> list[Projected]:
    """How each leaf of a tree is seen, by as many vectors at most as have singular values; else as its side is long."""
    return [_projected(axes, rank, side, singular) for axes in matrix_axes(tree, outputs, stacked)]


def _projected(axes: MatrixAxes, rank: int | None, side: Side, singular: bool) -> Projected:
    if not axes.is_matrix or not all(axes.shape):
        return Projected(axes, (), 0)
    smaller, larger = (-2, -1) if axes.rows <= axes.columns else (-1, -2)
    sides = {"smaller": (smaller,), "larger": (larger,), "inputs": (-2,), "outputs": (-1,), "both": (-2, -1)}[side]
    least = min(axes.rows, axes.columns) if singular else (axes.rows, axes.columns)[sides[0]]
    return Projected(axes, sides, least if rank is None else min(rank, least))


class SubspaceRule(BasisRule):
    """The rule of a subspace: a basis of fewer vectors than leaves have rows or columns.

    Args:
      seen_so: maps a tree outside to how each of its leaves is seen.
      sides: how many axes of a leaf are projected.
      init, renew: see `BasisRule`.
      vectors_of: maps (state, leaves outside, how these are seen) to the vectors: for each side those of each leaf.
      scale: what is multiplied by on the way back.
      by_leaf, seen, of_average: see `BasisRule`.
    """

    def __init__(
        self,
        seen_so: Callable[[Any], list[Projected]],
        init: Callable[[Any], Any],
        renew: Callable[[Any, Any], Any],
        vectors_of: Callable[[Any, list[Any], list[Projected]], list[list[jax.Array]]],
        scale: Scalar = 1.0,
        **options: Any,
    ):
        super().__init__(init, self._into, self._back, renew=renew, shapes=self._shapes, **options)
        self.seen_so = seen_so
        self.vectors_of = vectors_of
        self.scale = scale

    def outside(self, tree: Any, state: Any, like: Any) -> Any:
        leaves, treedef = jax.tree.flatten(like)

        def of_leaf(x: jax.Array, u: jax.Array, own: list[jax.Array], p: Projected) -> jax.Array:
            if not p.sides:
                return u
            back = laid_out_like(p.axes.leaf(p.back(u, own)), x)
            return back if _is_one(self.scale) else (back * self.scale).astype(u.dtype)

        found = in_turn(of_leaf, leaves, jax.tree.leaves(tree), *self._with_vectors(like, state))
        return jax.tree.unflatten(treedef, found)

    def _into(self, tree: Any, state: Any) -> Any:
        leaves, treedef = jax.tree.flatten(tree)

        def of_leaf(x: jax.Array, own: list[jax.Array], p: Projected) -> jax.Array:
            return p.into(x, own) if p.sides else x

        return jax.tree.unflatten(
            treedef, in_turn(of_leaf, list(map(bounded, leaves)), *self._with_vectors(tree, state))
        )

    def _back(self, tree: Any, state: Any) -> Any:
        raise TypeError(f"{self.expression} does not know the shapes outside: call outside(tree, state, like).")

    def _with_vectors(self, like: Any, state: Any) -> tuple[list[list[jax.Array]], list[Projected]]:
        """Those of each leaf, and how the leaf is seen."""
        seen = self.seen_so(like)
        columns = self.vectors_of(state, jax.tree.leaves(like), seen)
        return [[column[number] for column in columns][: len(p.sides)] for number, p in enumerate(seen)], seen

    def _shapes(self, params: Any) -> Any:
        leaves, treedef = jax.tree.flatten(params)
        own = zip(leaves, self.seen_so(params), strict=True)
        return jax.tree.unflatten(treedef, [jnp.zeros(p.held(), lift(x).dtype) if p.sides else x for x, p in own])


def _is_one(scale: Any) -> bool:
    return _checks.is_number(scale) and scale == 1


@primitive
def subspace(
    rank: int | None = None,
    every: int | jax.Array = 200,
    *,
    side: Side = "smaller",
    vectors: Vectors = "singular",
    scale: Scalar = 1.0,
    of_average: bool = False,
    phase: int = 0,
    staggered: bool = False,
    key: Key | None = None,
    draw: Draw | None = None,
    outputs: OutputAxes = "last",
    stacked: Stacked = None,
) -> SubspaceRule:
    r"""A subspace of the rows or of the columns of each matrix, spanned by singular vectors of its gradient (GaLore).

    A gradient G of m rows and n columns, m at most n, is :math:`U^T G` in it, rank x n numbers, with the singular
    vectors U of the largest singular values. Every so many steps it is renewed, before the step, by the gradient of
    that; what is kept in it stays as it is. Vectors, and matrices without rows, stay as they are. A rank above that of
    the matrix counts as that. Zero gradients have some subspace, in which they are 0.

    Args:
      rank: how many vectors span it, at least 1; None for as many as the smaller side is long: the basis is rotated,
        and nothing is lost.
      every: how many steps a subspace serves, at least 1.
      side: which side is projected: "smaller", "larger", "inputs", "outputs", or "both".
      vectors: "singular": by a singular value decomposition. "iterated": nearly these, by products and small
        decompositions alone: of a matrix of 256 x 1,024 whose singular values fall as 1 / sqrt(i), 1 / i and 1 / i^2,
        32 of them keep 99.4, 99.99 and 100 % of the squares that the best keep. "random": columns of normal numbers of
        variance 1 / rank, which are drawn anew where they are needed instead of being kept.
      scale: what directions are multiplied by on the way back.
      of_average: take the singular vectors of what the numerator returns, which is then outside the subspace (Conda).
      phase: the number of the step in a period, from 0, at which it is renewed, beside the very first.
      staggered: deal renewals out over the steps of a period, by what they cost, so that steps take alike.
      key: of what is drawn; a `jax.random.key`, raw key data or an int seed; None stands for seed 0.
      draw: what draws random vectors, in place of normal numbers: a function of a key, the number of the subspace and
        trees of zeros to fill, one for each side.
      outputs: which axes of a leaf have its outputs, see `orthogonalize`.
      stacked: which axes of a leaf stack layers, each of which has a subspace of its own; see `normalize_by_norm`.

    Returns:
      A basis with state `SubspaceState`. It is a constant to derivatives.

    Raises:
      ValueError: for a number outside its range.

    Source:
      J. Zhao et al. (2024): GaLore: Memory-Efficient LLM Training by Gradient Low-Rank Projection, and their code,
      whose projections "std", "reverse_std", "left", "right" and "full" are the sides "smaller", "larger", "outputs",
      "inputs" and "both". H. Zhu et al. (2024) for random ones. "iterated" is the randomized subspace iteration of N.
      Halko, P. Martinsson, J. Tropp (2011), from the same start each time.
    """
    if rank is not None:
        _checks.whole("rank", rank)
    _checks.scalar("every", every, "at least 1", lambda n: n >= 1)
    _checks.non_negative("scale", scale)
    _checks.one_of("side", side, ["smaller", "larger", "inputs", "outputs", "both"])
    _checks.one_of("vectors", vectors, ["singular", "iterated", "random"])
    check_outputs(outputs)
    check_stacked(stacked)
    of_gradient, fill = vectors != "random", _drawn if draw is None else draw
    sides = 2 if side == "both" else 1
    seen_so = functools.partial(projected_leaves, rank=rank, side=side, outputs=outputs, stacked=stacked)

    def init(params: Any) -> SubspaceState:
        leaves, treedef = jax.tree.flatten(params)
        kept = _zero_vectors(leaves, seen_so(params), sides) if of_gradient else []
        return SubspaceState(tuple(jax.tree.unflatten(treedef, column) for column in kept), jnp.zeros((), jnp.int32))

    def renew(gradient: Any, state: SubspaceState) -> SubspaceState:
        after = SubspaceState(state.vectors, optax.safe_increment(state.count))
        if not of_gradient:
            return after
        leaves, treedef = jax.tree.flatten(gradient)
        seen = seen_so(gradient)
        costs = [float(p.axes.rows * p.axes.columns * p.rank) if p.sides else 0.0 for p in seen]
        own_phases = phases(costs, every) if staggered else [phase] * len(seen)

        def of_leaf(x: jax.Array, p: Projected, own_phase: Any, *old: jax.Array) -> tuple[jax.Array, ...]:
            find = functools.partial(_found, vectors == "singular", x, p)
            return renewed(due(state.count, every, own_phase), find, old) if p.sides else old

        columns = [jax.tree.leaves(tree) for tree in state.vectors]
        made = in_turn(of_leaf, leaves, seen, own_phases, *columns)
        return after._replace(
            vectors=tuple(jax.tree.unflatten(treedef, [each[side] for each in made]) for side in range(sides))
        )

    def vectors_of(state: SubspaceState, leaves: list[Any], seen: list[Projected]) -> list[list[jax.Array]]:
        if of_gradient:
            return [jax.tree.leaves(tree) for tree in state.vectors]
        number = (state.count - 1 - phase) // every
        return fill(jax.random.key(0) if key is None else wrap_key(key), number, _zero_vectors(leaves, seen, sides))

    return SubspaceRule(
        seen_so,
        init,
        renew,
        vectors_of,
        scale,
        by_leaf=is_of_shapes(outputs, stacked) and of_gradient and not staggered,
        seen=seen_as_matrices(outputs, stacked),
        of_average=of_average,
    )


def _zero_vectors(leaves: list[Any], seen: list[Projected], sides: int) -> list[list[jax.Array]]:
    """Vectors of 0: for each side those of each leaf."""

    def of(x: Any, p: Projected, number: int) -> jax.Array:
        shape = (*p.layers(), p.length(p.sides[number]), p.rank) if p.sides else ()
        return jnp.zeros(shape, lift(x).dtype)

    return [[of(x, p, number) for x, p in zip(leaves, seen, strict=True)] for number in range(sides)]


def _found(exact: bool, x: jax.Array, p: Projected) -> tuple[jax.Array, ...]:
    """The leading singular vectors of a leaf, on each side that is projected.

    They are those of the matrix outputs x inputs, as PyTorch has it: their signs may depend on which it is.
    """
    matrix = p.axes.matrices(whole(jax.lax.stop_gradient(bounded(x)))).mT
    left, right = leading_vectors(matrix, p.rank, exact)
    return tuple((right if side == -2 else left).conj() for side in p.sides)


def _drawn(key: jax.Array, number: jax.Array, zeros: list[list[jax.Array]]) -> list[list[jax.Array]]:
    """Normal numbers of variance 1 / rank."""
    key = jax.random.fold_in(key, number)
    leaves, treedef = jax.tree.flatten(zeros)

    def normal(index: int, x: jax.Array) -> jax.Array:
        return jax.random.normal(jax.random.fold_in(key, index), x.shape, x.dtype) / x.shape[-1] ** 0.5 if x.ndim else x

    return jax.tree.unflatten(treedef, [normal(index, x) for index, x in enumerate(leaves)])
