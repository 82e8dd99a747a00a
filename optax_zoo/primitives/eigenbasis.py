"""The eigenbasis of Shampoo's factors, in which Adam is SOAP."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.basis import BasisRule, Turned
from optax_zoo.primitives.layout import laid_out_like, whole
from optax_zoo.primitives.overflow import bounded
from optax_zoo.primitives.part import primitive
from optax_zoo.primitives.precision import lift
from optax_zoo.primitives.stacked import Stacked, check_stacked, stacked_axes
from optax_zoo.primitives.tensor_axes import TensorAxes
from optax_zoo.primitives.types import Scalar


class EigenbasisState(NamedTuple):
    """State of `eigenbasis`.

    Attributes:
      factors: for each axis that a leaf can have, a tree of averaged covariances (n, n), a scalar 0 for leaves that
        have none along it. Of stacked layers one each, with the layers in front.
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
    stacked: Stacked = None,
) -> BasisRule:
    r"""The eigenbasis of the averaged covariances of a gradient along each of its axes (SOAP).

    For a matrix G these are :math:`L \leftarrow \beta L + (1 - \beta) G G^T` and
    :math:`R \leftarrow \beta R + (1 - \beta) G^T G`, with eigenvectors Q, and G in their basis is
    :math:`Q_L^T G Q_R`; so on for more axes. A step is taken in the basis that the steps before it have made. The
    first step only makes one, from L and R of its gradient: the update is 0, and other states stay as they are. After
    every so many steps Q becomes the orthonormal factor of L Q, its columns sorted by eigenvalue. Averages of gradients
    are then carried over by rotation, elementwise scales by the same sorting.

    Args:
      every: how many steps a basis serves, at least 1.
      decay: beta, in [0, 1).
      max_size: axes longer than this are left alone.
      of_vectors: whether leaves of one axis have a basis, too.
      merge: whether neighbouring axes are seen as one while their product is at most `max_size` (convolutions).
      channels_last: whether the last of four axes moves to the second place before they are merged.
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
                leaf, layers, max_size=max_size, of_vectors=of_vectors, merge=merge, channels_last=channels_last
            )
            for leaf, layers in zip(jax.tree.leaves(tree), stacked_axes(stacked, tree), strict=True)
        ]

    def init(params: Any) -> EigenbasisState:
        def trees(matrix: Callable[[int], jax.Array]) -> tuple[Any, ...]:
            return _matrices(matrix, params, axes_of(params))

        return EigenbasisState(trees(lambda n: jnp.zeros((n, n))), trees(jnp.eye), jnp.zeros((), jnp.int32))

    def into(tree: Any, state: EigenbasisState) -> Any:
        return _mapped(TensorAxes.rotated, jax.tree.map(bounded, tree), state.vectors, axes_of(tree))

    def back(tree: Any, state: EigenbasisState) -> Any:
        return _mapped(TensorAxes.rotated_back, tree, state.vectors, axes_of(tree))

    def turn(updates: Any, state: EigenbasisState, directions: list[Any], scales: list[Any]) -> Turned:
        at = jnp.where(state.count == 0, 0, jnp.where(state.count % every == 0, 1, 2))
        leaves, treedef = jax.tree.flatten(updates)
        given = state.factors, state.vectors, directions, scales
        of_leaves = zip(axes_of(updates), leaves, *(_by_leaf(trees, len(leaves)) for trees in given), strict=True)
        done = [_turned_leaf(axes, at, decay, *of_leaf) for axes, *of_leaf in of_leaves]
        factors, vectors, directions, scales = (
            [jax.tree.unflatten(treedef, [of_leaf[kind][number] for of_leaf in done]) for number in range(len(trees))]
            for kind, trees in enumerate(given)
        )
        after = EigenbasisState(tuple(factors), tuple(vectors), optax.safe_increment(state.count))
        return Turned(after, directions, scales)

    return BasisRule(init, into, back, turn, lambda state: state.count > 0, by_leaf=stacked is None)


def _matrices(matrix: Callable[[int], jax.Array], tree: Any, seen: Sequence[TensorAxes]) -> tuple[Any, ...]:
    """For each axis that a leaf can have a tree of matrices of its size, with the layers of the leaf in front."""
    leaves, treedef = jax.tree.flatten(tree)

    def of_leaf(leaf: Any, axes: TensorAxes, axis: int) -> jax.Array:
        dtype = lift(leaf).dtype
        if not any(axes.sizes[axis : axis + 1]):
            return jnp.zeros((), dtype)  # not of no elements, which orbax cannot store
        one = matrix(axes.sizes[axis]).astype(dtype)
        return jnp.broadcast_to(one, (*axes.layers, *one.shape)).copy()

    most = max((len(axes.sizes) for axes in seen), default=0)
    columns = ([of_leaf(*each, axis) for each in zip(leaves, seen, strict=True)] for axis in range(most))
    return tuple(jax.tree.unflatten(treedef, column) for column in columns)


def _mapped(rotate: Callable[..., jax.Array], tree: Any, vectors: Sequence[Any], seen: Sequence[TensorAxes]) -> Any:
    """A tree whose leaves are rotated, each by vectors of its own."""
    leaves, treedef = jax.tree.flatten(tree)

    def of_leaf(x: jax.Array, axes: TensorAxes, vectors: list[jax.Array]) -> jax.Array:
        rotated = rotate(axes, axes.tensors(whole(x)), axes.batched(jax.tree.map(whole, vectors)))
        return laid_out_like(axes.leaf(rotated, x), x)

    of_leaves = zip(leaves, seen, _by_leaf(vectors, len(leaves)), strict=True)
    return jax.tree.unflatten(treedef, [of_leaf(*each) for each in of_leaves])


def _by_leaf(trees: Sequence[Any], count: int) -> list[list[Any]]:
    """What trees have at each of their leaves."""
    columns = [jax.tree.leaves(tree) for tree in trees]
    return [[column[number] for column in columns] for number in range(count)]


def _turned_leaf(
    axes: TensorAxes,
    at: jax.Array,
    decay: Scalar,
    g: jax.Array,
    factors: list[jax.Array],
    vectors: list[jax.Array],
    directions: list[jax.Array],
    scales: list[jax.Array],
) -> tuple[list[jax.Array], list[jax.Array], list[jax.Array], list[jax.Array]]:
    """Factors, vectors, directions and scales of a leaf after a step: `at` is 0 at the first, 1 where Q turns."""
    given = factors, vectors, directions, scales
    if not any(axes.sizes):
        return given
    g, (factors, vectors, directions, scales) = jax.tree.map(whole, (g, given))
    g = axes.tensors(jax.lax.stop_gradient(bounded(g, 3)))  # a covariance sums as many squares as there are elements
    averaged = [
        (decay * f + (1 - decay) * c).astype(f.dtype)
        for f, c in zip(axes.batched(factors), axes.covariances(g), strict=True)
    ]
    before = axes.batched(vectors)

    def first() -> Any:
        return [_eigenvectors(f) for f in averaged], directions, scales

    def turned() -> Any:
        orders = [_order(f, q) for f, q in zip(averaged, before, strict=True)]
        now = [_iterated(f, q, order) for f, q, order in zip(averaged, before, orders, strict=True)]

        def carried(x: jax.Array) -> jax.Array:
            outside = axes.rotated_back(axes.tensors(lift(x)), before)
            return axes.leaf(axes.rotated(outside, now), x).astype(x.dtype)

        return now, [carried(x) for x in directions], [axes.leaf(_sorted(axes.tensors(x), orders), x) for x in scales]

    def kept() -> Any:
        return before, directions, scales

    now, directions, scales = jax.lax.switch(at, [first, turned, kept])
    after = axes.unbatched(averaged, factors), axes.unbatched(now, vectors), directions, scales
    return jax.tree.map(laid_out_like, after, given)


def _eigenvectors(factor: jax.Array) -> jax.Array:
    """Eigenvectors of symmetric matrices in columns, the largest eigenvalue first."""
    return jnp.flip(jnp.linalg.eigh(factor)[1], axis=-1) if factor.size else factor


def _order(factor: jax.Array, vectors: jax.Array) -> jax.Array:
    """The columns by the size of their Rayleigh quotient, the largest first."""
    quotients = jnp.einsum("zia,zij,zja->za", vectors.conj(), factor, vectors).real
    return jnp.argsort(-quotients, axis=-1)


def _iterated(factor: jax.Array, vectors: jax.Array, order: jax.Array) -> jax.Array:
    """One step of orthogonal iteration."""
    if not factor.size:
        return vectors
    return jnp.linalg.qr(factor @ jnp.take_along_axis(vectors, order[:, None, :], axis=-1))[0]


def _sorted(tensors: jax.Array, orders: Sequence[jax.Array]) -> jax.Array:
    """Tensors whose entries along each axis are in another order."""
    for axis, order in enumerate(orders, start=1):
        if order.size:
            shape = [1] * tensors.ndim
            shape[0], shape[axis] = order.shape
            tensors = jnp.take_along_axis(tensors, order.reshape(shape), axis=axis)
    return tensors
