"""The eigenbasis of Shampoo's factors, in which Adam is SOAP."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.basis import BasisRule, Turned
from optax_zoo.primitives.batched import batched
from optax_zoo.primitives.decompositions import eigenvectors, iterated
from optax_zoo.primitives.layout import laid_out_like, whole
from optax_zoo.primitives.overflow import bounded
from optax_zoo.primitives.part import primitive
from optax_zoo.primitives.precision import lift
from optax_zoo.primitives.renewal import due, either, phases, renewed
from optax_zoo.primitives.stacked import Stacked, check_stacked, stacked_axes
from optax_zoo.primitives.tensor_axes import TensorAxes
from optax_zoo.primitives.turns import in_turn
from optax_zoo.primitives.types import Scalar


class EigenbasisState(NamedTuple):
    """State of `eigenbasis`.

    Attributes:
      factors: for each axis that a leaf can have, two at least, a tree of averaged covariances (n, n), a scalar 0 for
        leaves that have none along it. Of stacked layers one each, with the layers in front.
      vectors: their eigenvectors, in columns, likewise.
      count: steps taken (int32 scalar).
    """

    factors: tuple[Any, ...]
    vectors: tuple[Any, ...]
    count: Any


@primitive
def eigenbasis(
    every: int | jax.Array = 10,
    decay: Scalar = 0.95,
    *,
    max_size: int = 10_000,
    of_vectors: bool = False,
    merge: bool = False,
    channels_last: bool = False,
    one_sided: bool = False,
    staggered: bool = False,
    stacked: Stacked = None,
) -> BasisRule:
    r"""The eigenbasis of the averaged covariances of a gradient along each of its axes (SOAP).

    For a matrix G these are :math:`L \leftarrow \beta L + (1 - \beta) G G^T` and
    :math:`R \leftarrow \beta R + (1 - \beta) G^T G`, with eigenvectors Q, and G in their basis is
    :math:`Q_L^T G Q_R`; so on for more axes. A step is taken in the basis that the steps before it have made. The
    first step only makes one, from L and R of its gradient: the update is 0, and other states stay as they are. After
    every so many steps Q becomes the orthonormal factor of L Q, its columns sorted by eigenvalue. Averages of gradients
    are then carried over by rotation, elementwise scales by the same sorting. Q turns by a `lax.cond`: at other steps
    nothing is computed for it (under `jax.vmap` over counts or periods that differ, both branches are).

    Under `jax.jit` leaves that are split over devices are brought together for their products; `jax.shard_map` must be
    given them in one piece. Factors and vectors are in float32 or wider, whatever the parameters are.

    Args:
      every: how many steps a basis serves, at least 1.
      decay: beta, in [0, 1).
      max_size: axes longer than this are left alone.
      of_vectors: whether leaves of one axis have a basis, too.
      merge: whether neighbouring axes are seen as one while their product is at most `max_size` (convolutions).
      channels_last: whether the last of four axes moves to the second place before they are merged.
      one_sided: whether leaves of several axes have a basis along the shortest of them alone.
      staggered: whether bases turn at different steps, each once in `every`, so that steps take alike.
      stacked: which axes of a leaf stack layers, each of which has a basis of its own; see `normalize_by_norm`.

    Returns:
      A basis with state `EigenbasisState`. It is a constant to derivatives.

    Raises:
      ValueError: for a number outside its range.

    Source:
      N. Vyas et al. (2024): SOAP: Improving and Stabilizing Shampoo using Adam, and their code.
    """
    _checks.scalar("every", every, "at least 1", lambda n: n >= 1)
    _checks.decay("decay", decay)
    _checks.whole("max_size", max_size)
    check_stacked(stacked)

    def axes_of(tree: Any) -> list[TensorAxes]:
        return [
            TensorAxes.of(
                leaf,
                layers,
                max_size=max_size,
                of_vectors=of_vectors,
                merge=merge,
                channels_last=channels_last,
                one_sided=one_sided,
            )
            for leaf, layers in zip(jax.tree.leaves(tree), stacked_axes(stacked, tree), strict=True)
        ]

    def init(params: Any) -> EigenbasisState:
        def trees(matrix: Callable[[int], jax.Array]) -> tuple[Any, ...]:
            return _matrices(matrix, params, axes_of(params))

        return EigenbasisState(trees(lambda n: jnp.zeros((n, n))), trees(jnp.eye), jnp.zeros((), jnp.int32))

    def into(tree: Any, state: EigenbasisState) -> Any:
        return _mapped(TensorAxes.rotated, jax.tree.map(_safe, tree), state.vectors, axes_of(tree))

    def back(tree: Any, state: EigenbasisState) -> Any:
        return _mapped(TensorAxes.rotated_back, tree, state.vectors, axes_of(tree))

    def turn(updates: Any, state: EigenbasisState, directions: list[Any], scales: list[Any]) -> Turned:
        leaves, treedef = jax.tree.flatten(updates)
        given = state.factors, state.vectors, directions, scales
        kept = [_Kept(*of_leaf) for of_leaf in zip(*(_by_leaf(trees, len(leaves)) for trees in given), strict=True)]
        seen = axes_of(updates)
        after = in_turn(functools.partial(_averaged, decay), seen, leaves, kept)
        after = _turned(seen, after, state.count, every, staggered)
        after = [_as_kept(axes, new, before) for axes, new, before in zip(seen, after, kept, strict=True)]
        factors, vectors, directions, scales = (
            [jax.tree.unflatten(treedef, [of_leaf[kind][number] for of_leaf in after]) for number in range(len(trees))]
            for kind, trees in enumerate(given)
        )
        basis = EigenbasisState(tuple(factors), tuple(vectors), optax.safe_increment(state.count))
        return Turned(basis, directions, scales)

    def seen(tree: Any) -> list[str]:
        return list(map(str, axes_of(tree)))

    return BasisRule(init, into, back, turn, lambda state: state.count > 0, seen=seen)


def _matrices(matrix: Callable[[int], jax.Array], tree: Any, seen: Sequence[TensorAxes]) -> tuple[Any, ...]:
    """For each axis that a leaf can have a tree of matrices of its size, with the layers of the leaf in front."""
    leaves, treedef = jax.tree.flatten(tree)

    def of_leaf(leaf: Any, axes: TensorAxes, axis: int) -> jax.Array:
        dtype = lift(leaf).dtype
        if not any(axes.sizes[axis : axis + 1]):
            return jnp.zeros((), dtype)  # not of no elements, which orbax cannot store
        one = matrix(axes.sizes[axis]).astype(dtype)
        return jnp.broadcast_to(one, (*axes.layers, *one.shape)).copy()

    most = max([2, *(len(axes.sizes) for axes in seen)])  # optax.tree.map_params does not show how many
    columns = ([of_leaf(*each, axis) for each in zip(leaves, seen, strict=True)] for axis in range(most))
    return tuple(jax.tree.unflatten(treedef, column) for column in columns)


def _mapped(rotate: Callable[..., jax.Array], tree: Any, vectors: Sequence[Any], seen: Sequence[TensorAxes]) -> Any:
    """A tree whose leaves are rotated, each by vectors of its own."""
    leaves, treedef = jax.tree.flatten(tree)
    rotated = in_turn(functools.partial(_rotated, rotate), seen, leaves, _by_leaf(vectors, len(leaves)))
    return jax.tree.unflatten(treedef, rotated)


def _safe(x: jax.Array) -> jax.Array:
    """Bounded such that covariances are finite, which sum as many squares as there are elements."""
    return bounded(x, 3)


@functools.partial(jax.jit, static_argnums=(0, 1), inline=True)  # traced once for all leaves of a shape
def _rotated(rotate: Callable[..., jax.Array], axes: TensorAxes, x: jax.Array, vectors: list[jax.Array]) -> jax.Array:
    rotated = rotate(axes, axes.tensors(whole(x)), axes.batched(jax.tree.map(whole, vectors)))
    return laid_out_like(axes.leaf(rotated, x), x)


def _by_leaf(trees: Sequence[Any], count: int) -> list[list[Any]]:
    """What trees have at each of their leaves."""
    columns = [jax.tree.leaves(tree) for tree in trees]
    return [[column[number] for column in columns] for number in range(count)]


class _Kept(NamedTuple):
    """What there is for a leaf: matrices along its axes, and what numerator and denominator keep in the basis."""

    factors: list[jax.Array]
    vectors: list[jax.Array]
    directions: list[jax.Array]
    scales: list[jax.Array]


@functools.partial(jax.jit, static_argnums=1, inline=True)
def _averaged(decay: Scalar, axes: TensorAxes, g: jax.Array, kept: _Kept) -> _Kept:
    """In one piece, matrices by layers, with the covariances of a gradient in the factors."""
    g, kept = jax.tree.map(whole, (g, kept))
    g = axes.tensors(jax.lax.stop_gradient(_safe(g)))
    factors = [
        (decay * f + (1 - decay) * c).astype(f.dtype)
        for f, c in zip(axes.batched(kept.factors), axes.covariances(g), strict=True)
    ]
    return kept._replace(factors=factors, vectors=axes.batched(kept.vectors))


def _as_kept(axes: TensorAxes, kept: _Kept, like: _Kept) -> _Kept:
    """Back in the shapes and the layout that they had."""
    factors, vectors = axes.unbatched(kept.factors, like.factors), axes.unbatched(kept.vectors, like.vectors)
    return jax.tree.map(laid_out_like, kept._replace(factors=factors, vectors=vectors), like)


def _turned(seen: Sequence[TensorAxes], kept: list[_Kept], count: Any, every: Any, staggered: bool) -> list[_Kept]:
    """In new bases, where they turn at this step."""
    groups: dict[Any, tuple[Any, list[int]]] = {}
    for number, phase in enumerate(phases([axes.cost for axes in seen], every, staggered)):
        if any(seen[number].sizes):
            groups.setdefault(phase if isinstance(phase, int) else ("leaf", number), (phase, []))[1].append(number)
    for phase, numbers in groups.values():
        own, before = [seen[number] for number in numbers], [kept[number] for number in numbers]

        def turn(own: list[TensorAxes] = own, before: list[_Kept] = before) -> list[_Kept]:
            return either(count == 0, lambda: _first(before), lambda: _next(own, before))

        old = [of_leaf._replace(factors=[]) for of_leaf in before]
        for number, new in zip(numbers, renewed(due(count, every, phase), turn, old), strict=True):
            kept[number] = new._replace(factors=kept[number].factors)
    return kept


def _first(kept: Sequence[_Kept]) -> list[_Kept]:
    """In the first bases, of which nothing is to be carried over."""
    found = iter(batched(eigenvectors, [f for of_leaf in kept for f in of_leaf.factors if f.size], decomposes=True))
    vectors = [[next(found) if f.size else f for f in of_leaf.factors] for of_leaf in kept]
    return [before._replace(factors=[], vectors=new) for before, new in zip(kept, vectors, strict=True)]


def _next(seen: Sequence[TensorAxes], kept: Sequence[_Kept]) -> list[_Kept]:
    """In the bases that follow from those that there are."""
    factors, vectors = ([m for ms in own for m in ms if m.size] for own in zip(*(k[:2] for k in kept), strict=True))
    found = iter(batched(iterated, factors, vectors, decomposes=True))
    none = jnp.zeros(0, int)
    made = [zip(*(next(found) if f.size else (f, none) for f in of_leaf.factors), strict=True) for of_leaf in kept]
    return in_turn(_carried, seen, kept, *map(list, zip(*made, strict=True)))


@functools.partial(jax.jit, static_argnums=0, inline=True)
def _carried(axes: TensorAxes, kept: _Kept, vectors: list[jax.Array], orders: list[jax.Array]) -> _Kept:
    """Averages of gradients, rotated to new vectors, and scales in the order of these."""

    def rotated(x: jax.Array) -> jax.Array:
        outside = axes.rotated_back(axes.tensors(lift(x)), kept.vectors)
        after = axes.leaf(axes.rotated(outside, vectors), x)
        return (after if jnp.iscomplexobj(x) else after.real).astype(x.dtype)

    directions = [rotated(x) for x in kept.directions]
    scales = [axes.leaf(_sorted(axes.tensors(x), orders), x) for x in kept.scales]
    return _Kept([], list(vectors), directions, scales)


def _sorted(tensors: jax.Array, orders: Sequence[jax.Array]) -> jax.Array:
    """Tensors whose entries along each axis are in another order."""
    for axis, order in enumerate(orders, start=1):
        if order.size:
            shape = [1] * tensors.ndim
            shape[0], shape[axis] = order.shape
            tensors = jnp.take_along_axis(tensors, order.reshape(shape), axis=axis)
    return tensors
