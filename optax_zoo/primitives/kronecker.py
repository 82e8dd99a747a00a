"""Shampoo's preconditioner: inverse roots of the covariances of a gradient along each of its axes."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.batched import batched
from optax_zoo.primitives.inverse_roots import InverseRoot, coupled_newton, eigh_root
from optax_zoo.primitives.layout import laid_out_like, whole
from optax_zoo.primitives.overflow import bounded
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import lift
from optax_zoo.primitives.renewal import due, phases, renewed
from optax_zoo.primitives.stacked import Stacked, check_stacked, stacked_axes
from optax_zoo.primitives.tensor_axes import TensorAxes
from optax_zoo.primitives.turns import in_turn
from optax_zoo.primitives.types import Scalar

Sides: TypeAlias = Literal["all", "but_last", "last"]


class KroneckerState(NamedTuple):
    """State of `kronecker_roots`.

    Attributes:
      factors: for each axis that a leaf can have, a tree of covariances (n, n), a scalar 0 for leaves that have none
        along it. Of stacked layers one each, with the layers in front.
      roots: their inverse roots, likewise.
      count: steps taken (int32 scalar).
    """

    factors: tuple[Any, ...]
    roots: tuple[Any, ...]
    count: Any


class _Matrix(NamedTuple):
    """A factor, and how many the axes of its leaf have, twice."""

    factor: jax.Array
    order: int


@primitive
def kronecker_roots(
    every: int | jax.Array = 1,
    decay: Scalar | None = None,
    *,
    eps: Scalar = 1e-4,
    root: Scalar | None = None,
    inverse_root: InverseRoot | None = None,
    sides: Sides = "all",
    of_vectors: bool = True,
    max_size: int = 10_000,
    statistics_every: int | jax.Array = 1,
    identity_first: bool = False,
    staggered: bool = False,
    stacked: Stacked = None,
) -> Rule:
    r"""Multiplies a gradient along each axis by an inverse root of its summed covariance there (Shampoo).

    For a matrix G these are :math:`L \leftarrow L + G G^T` and :math:`R \leftarrow R + G^T G`, which start from
    :math:`\epsilon I`, and the update is :math:`L^{-1/4} G R^{-1/4}`; for k axes roots of order 2k. Whole diagonal
    blocks of the full matrix of AdaGrad are so approximated by a Kronecker product.

    Elements of G beyond 2^40 (2^338 in float64), infinite ones too, count as that large. An eigenvalue less than the
    rounding error of the largest counts as that error, so that also with eps=0 directions without gradients have
    finite, if long, steps.

    Args:
      every: how many steps the roots serve, at least 1.
      decay: of averaged covariances, in [0, 1): L <- decay L + (1 - decay) G G^T. None for sums.
      eps: epsilon, at least 0.
      root: the order of the roots, above 0; None for twice the number of factors that a leaf has. 2 for a matrix takes
        the root of the best approximation of the full matrix (Morwani et al. 2024).
      inverse_root: finds them: `coupled_newton()`, or a function of a matrix and the order; None for `eigh_root`.
      sides: along which axes there are factors: "all", all "but_last", or the "last".
      of_vectors: whether leaves of one axis have a factor.
      max_size: axes longer than this have none.
      statistics_every: how many steps the covariances stay, at least 1.
      identity_first: whether roots are identities until steps are a multiple of `every`, and covariances epsilon until
        they are one of `statistics_every`; else both are made at the first step.
      staggered: whether matrices are renewed at different steps, so that steps take alike.
      stacked: which axes of a leaf stack layers, each of which has factors of its own; see `normalize_by_norm`.

    Returns:
      A transformation with state `KroneckerState`. Its factors are constants to derivatives.

    Raises:
      ValueError: for a number outside its range.

    Source:
      V. Gupta, T. Koren, Y. Singer (2018): Shampoo: Preconditioned Stochastic Tensor Optimization. R. Anil, V. Gupta,
      T. Koren, K. Regan, Y. Singer (2020): Scalable Second Order Optimization for Deep Learning.
    """
    for name, period in {"every": every, "statistics_every": statistics_every}.items():
        _checks.scalar(name, period, "at least 1", lambda n: n >= 1)
    if decay is not None:
        _checks.decay("decay", decay)
    _checks.non_negative("eps", eps)
    if root is not None:
        _checks.positive("root", root)
    _checks.one_of("sides", sides, ["all", "but_last", "last"])
    _checks.whole("max_size", max_size)
    check_stacked(stacked)

    roots_of = functools.partial(_roots, root, inverse_root)

    def axes_of(tree: Any) -> list[TensorAxes]:
        of_leaves = zip(jax.tree.leaves(tree), stacked_axes(stacked, tree), strict=True)
        found = (TensorAxes.of(leaf, own, max_size=max_size, of_vectors=of_vectors) for leaf, own in of_leaves)
        return [_on_sides(axes, sides) for axes in found]

    def init(params: Any) -> KroneckerState:
        seen = axes_of(params)
        factors = axis_matrices(lambda n: eps * jnp.eye(n), params, seen)
        return KroneckerState(factors, axis_matrices(jnp.eye, params, seen), jnp.zeros((), jnp.int32))

    def accumulated(factors: list[jax.Array], g: jax.Array, axes: TensorAxes) -> list[jax.Array]:
        keep, gain = (1, 1) if decay is None else (decay, 1 - decay)
        covariances = axes.unbatched(axes.covariances(axes.tensors(g)), factors)
        own = zip(factors, covariances, strict=True)
        return [(keep * f + gain * c).astype(f.dtype) if f.ndim else f for f, c in own]

    def preconditioned(g: jax.Array, roots: list[jax.Array], axes: TensorAxes) -> jax.Array:
        return axes.leaf(axes.rotated_back(axes.tensors(g), axes.batched(roots)), g)

    def update(updates: Any, state: KroneckerState, params: Any = None, **extra_args: Any) -> Any:
        leaves, treedef = jax.tree.flatten(updates)
        seen, count = axes_of(updates), optax.safe_increment(state.count)
        step = count if identity_first else state.count
        given = [whole(bounded(x, 3)) for x in leaves]
        old = jax.tree.map(whole, by_leaf(state.factors, len(leaves)))

        def with_these() -> list[list[jax.Array]]:
            return in_turn(accumulated, old, jax.lax.stop_gradient(given), seen)

        factors = renewed(due(step, statistics_every), with_these, old)
        roots = _renewed_roots(by_leaf(state.roots, len(leaves)), factors, seen, step, every, staggered, roots_of)
        made = list(map(laid_out_like, in_turn(preconditioned, given, roots, seen), leaves))
        after = KroneckerState(as_trees(factors, state.factors), as_trees(roots, state.roots), count)
        return jax.tree.unflatten(treedef, made), jax.tree.map(laid_out_like, after, state)

    return Rule(init, update, seen=lambda tree: list(map(str, axes_of(tree))))


def _renewed_roots(
    old: list[list[jax.Array]],
    factors: list[list[jax.Array]],
    seen: Sequence[TensorAxes],
    step: Any,
    every: Any,
    staggered: bool,
    roots_of: Callable[[Sequence[_Matrix]], list[jax.Array]],
) -> list[list[jax.Array]]:
    """The roots after a step: those that are due are those of the factors, by one `lax.cond` for each phase."""
    roots = [list(map(whole, of_leaf)) for of_leaf in old]
    places = [(leaf, axis) for leaf, axes in enumerate(seen) for axis, n in enumerate(axes.sizes) if n]
    costs = [float(factors[leaf][axis].size * seen[leaf].sizes[axis]) for leaf, axis in places]
    together: dict[Any, list[tuple[int, int]]] = {}
    of_phase = {}
    for place, phase in zip(places, phases(costs, every, staggered), strict=True):
        key = phase if _checks.is_number(phase) else place
        together.setdefault(key, []).append(place)
        of_phase[key] = phase
    for key, own in together.items():
        matrices = [_Matrix(factors[leaf][axis], 2 * sum(map(bool, seen[leaf].sizes))) for leaf, axis in own]
        when, kept = due(step, every, of_phase[key]), [roots[leaf][axis] for leaf, axis in own]
        for (leaf, axis), root in zip(own, renewed(when, functools.partial(roots_of, matrices), kept), strict=True):
            roots[leaf][axis] = root
    return roots


def _roots(root: Scalar | None, inverse_root: InverseRoot | None, matrices: Sequence[_Matrix]) -> list[jax.Array]:
    """The inverse roots of matrices, of which those of an order are found together."""
    find = eigh_root if inverse_root is None else inverse_root
    made: dict[int, jax.Array] = {}
    for order in dict.fromkeys(matrix.order for matrix in matrices):
        own = [number for number, matrix in enumerate(matrices) if matrix.order == order]
        power = order if root is None else root
        found = batched(
            lambda m, power=power: find(m, power),
            [matrices[number].factor for number in own],
            decomposes=not isinstance(find, coupled_newton),
        )
        made |= dict(zip(own, found, strict=True))
    return [made[number] for number in range(len(matrices))]


def _on_sides(axes: TensorAxes, sides: Sides) -> TensorAxes:
    last = len(axes.sizes) - 1
    if sides == "all" or last < 1:
        return axes
    kept = [n if (number == last) == (sides == "last") else 0 for number, n in enumerate(axes.sizes)]
    return dataclasses.replace(axes, sizes=tuple(kept))


def axis_matrices(matrix: Callable[[int], jax.Array], tree: Any, seen: Sequence[TensorAxes]) -> tuple[Any, ...]:
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


def by_leaf(trees: Sequence[Any], count: int) -> list[list[Any]]:
    """What trees have at each of their leaves."""
    columns = [jax.tree.leaves(tree) for tree in trees]
    return [[column[number] for column in columns] for number in range(count)]


def as_trees(of_leaves: Sequence[Sequence[Any]], like: Sequence[Any]) -> tuple[Any, ...]:
    """Trees of what each leaf has of them."""
    return tuple(
        jax.tree.unflatten(jax.tree.structure(tree), [of_leaf[number] for of_leaf in of_leaves])
        for number, tree in enumerate(like)
    )
