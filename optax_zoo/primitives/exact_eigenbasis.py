"""The eigenbasis of a gradient's covariances by decompositions, in which signs are SPlus's steps."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.basis import BasisRule, Turned
from optax_zoo.primitives.batched import batched
from optax_zoo.primitives.kronecker import as_trees, axis_matrices, by_leaf
from optax_zoo.primitives.layout import laid_out_like, whole
from optax_zoo.primitives.overflow import bounded
from optax_zoo.primitives.part import primitive
from optax_zoo.primitives.precision import lift
from optax_zoo.primitives.renewal import due, phases, renewed
from optax_zoo.primitives.stacked import Stacked, check_stacked, stacked_axes
from optax_zoo.primitives.tensor_axes import TensorAxes
from optax_zoo.primitives.turns import in_turn
from optax_zoo.primitives.types import Scalar


class ExactEigenbasisState(NamedTuple):
    """State of `exact_eigenbasis`.

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
def exact_eigenbasis(
    every: int | jax.Array = 100,
    decay: Scalar = 0.999,
    *,
    max_size: int = 10_000,
    most_axes: int | None = None,
    staggered: bool = False,
    stacked: Stacked = None,
) -> BasisRule:
    r"""The eigenbasis of the averaged covariances of a gradient along each of its axes, decomposed anew (SPlus).

    As `eigenbasis`, but steps are taken from the first on, which has the standard basis. After it, and after each whose
    number is a multiple of `every`, the covariances are decomposed, where `eigenbasis` takes a step of orthogonal
    iteration from the eigenvectors before. Averages of gradients are carried over by rotation, elementwise scales keep
    their place in the order of the eigenvalues.

    Args:
      every: how many steps a basis serves, at least 1.
      decay: of the covariances, in [0, 1).
      max_size: axes longer than this are left alone.
      most_axes: leaves of more axes than this are left alone; None for no limit. Those of one axis always are.
      staggered: whether leaves have a new basis at different steps, so that steps take alike.
      stacked: which axes of a leaf stack layers, each of which has a basis of its own; see `normalize_by_norm`.

    Returns:
      A basis with state `ExactEigenbasisState`. It is a constant to derivatives.

    Raises:
      ValueError: for a number outside its range.

    Source:
      K. Frans, S. Levine, P. Abbeel (2025): A Stable Whitening Optimizer for Efficient Neural Network Training.
    """
    _checks.scalar("every", every, "at least 1", lambda n: n >= 1)
    _checks.decay("decay", decay)
    _checks.whole("max_size", max_size)
    if most_axes is not None:
        _checks.whole("most_axes", most_axes)
    check_stacked(stacked)

    def axes_of(tree: Any) -> list[TensorAxes]:
        def of_leaf(leaf: Any, layers: tuple[int, ...]) -> TensorAxes:
            many = most_axes is not None and jnp.ndim(leaf) - len(layers) > most_axes
            return TensorAxes.of(leaf, layers, max_size=0 if many else max_size, of_vectors=False)

        return [of_leaf(*each) for each in zip(jax.tree.leaves(tree), stacked_axes(stacked, tree), strict=True)]

    def init(params: Any) -> ExactEigenbasisState:
        seen = axes_of(params)
        factors = axis_matrices(lambda n: jnp.zeros((n, n)), params, seen)
        return ExactEigenbasisState(factors, axis_matrices(jnp.eye, params, seen), jnp.zeros((), jnp.int32))

    def mapped(rotate: Callable[..., jax.Array], tree: Any, state: ExactEigenbasisState) -> Any:
        leaves, treedef = jax.tree.flatten(tree)
        vectors = jax.tree.map(whole, by_leaf(state.vectors, len(leaves)))

        def of_leaf(x: jax.Array, axes: TensorAxes, q: list[jax.Array]) -> jax.Array:
            return laid_out_like(_rotated(rotate, axes, whole(x), q), x)

        return jax.tree.unflatten(treedef, in_turn(of_leaf, leaves, axes_of(tree), vectors))

    def averaged(g: jax.Array, factors: list[jax.Array], axes: TensorAxes) -> list[jax.Array]:
        tensors = axes.tensors(jax.lax.stop_gradient(whole(bounded(g, 3))))
        covariances = axes.unbatched(axes.covariances(tensors), factors)
        own = zip(factors, covariances, strict=True)
        return [(decay * whole(f) + (1 - decay) * c).astype(f.dtype) for f, c in own]

    def turn(updates: Any, state: ExactEigenbasisState, directions: list[Any], scales: list[Any]) -> Turned:
        leaves = jax.tree.leaves(updates)
        seen, step = axes_of(updates), optax.safe_increment(state.count)
        factors = in_turn(averaged, leaves, by_leaf(state.factors, len(leaves)), seen)
        vectors, carried = (by_leaf(jax.tree.map(whole, trees), len(leaves)) for trees in (state.vectors, directions))
        vectors, carried = _turned(seen, factors, vectors, carried, step, every, staggered)
        own = as_trees(factors, state.factors), as_trees(vectors, state.vectors)
        after = jax.tree.map(laid_out_like, ExactEigenbasisState(*own, step), state)
        return Turned(
            after, list(jax.tree.map(laid_out_like, as_trees(carried, directions), tuple(directions))), scales
        )

    def seen(tree: Any) -> list[str]:
        return list(map(str, axes_of(tree)))

    return BasisRule(
        init,
        lambda tree, state: mapped(TensorAxes.rotated, jax.tree.map(bounded, tree), state),
        lambda tree, state: mapped(TensorAxes.rotated_back, tree, state),
        turn,
        lambda state: True,
        seen=seen,
    )


def _rotated(
    rotate: Callable[..., jax.Array], axes: TensorAxes, x: jax.Array, vectors: Sequence[jax.Array]
) -> jax.Array:
    return axes.leaf(rotate(axes, axes.tensors(x), axes.batched(vectors)), x) if any(axes.sizes) else x


def _turned(
    seen: Sequence[TensorAxes],
    factors: list[list[jax.Array]],
    vectors: list[list[jax.Array]],
    directions: list[list[jax.Array]],
    step: Any,
    every: Any,
    staggered: bool,
) -> tuple[list[list[jax.Array]], list[list[jax.Array]]]:
    """Vectors and directions of each leaf after a step: those that are due are new, by one `lax.cond` for a phase."""
    costs = [float(sum(n**3 for n in axes.sizes)) for axes in seen]
    found = phases(costs, every, staggered)
    together: dict[Any, list[int]] = {}
    for number, phase in enumerate(found):
        if costs[number]:
            together.setdefault(phase if _checks.is_number(phase) else -1 - number, []).append(number)
    vectors, directions = list(vectors), list(directions)
    for own in together.values():
        when = due(step, every, found[own[0]])
        old = [(vectors[number], directions[number]) for number in own]
        given = [(seen[number], factors[number], *of_leaf) for number, of_leaf in zip(own, old, strict=True)]
        new = renewed(when if when is True else (step == 1) | when, functools.partial(_decomposed, given), old)
        for number, of_leaf in zip(own, new, strict=True):
            vectors[number], directions[number] = of_leaf
    return vectors, directions


def _decomposed(given: Sequence[tuple[Any, ...]]) -> list[tuple[list[jax.Array], list[jax.Array]]]:
    """The eigenvectors of each leaf's factors, and its directions in them."""
    places = [(number, axis) for number, (axes, *_) in enumerate(given) for axis, n in enumerate(axes.sizes) if n]
    given_factors = [given[number][1][axis] for number, axis in places]
    found = batched(lambda m: jnp.linalg.eigh(m)[1], given_factors, decomposes=True)
    made = dict(zip(places, found, strict=True))

    def of_leaf(axes: TensorAxes, before: list[jax.Array], now: list[jax.Array], directions: list[jax.Array]) -> Any:
        def carried(x: jax.Array) -> jax.Array:
            return _rotated(TensorAxes.rotated, axes, _rotated(TensorAxes.rotated_back, axes, lift(x), before), now)

        return now, list(map(carried, directions))

    seen, _, old, kept = zip(*given, strict=True)
    new = [[made.get((number, axis), q) for axis, q in enumerate(before)] for number, before in enumerate(old)]
    return in_turn(of_leaf, seen, old, new, kept)
