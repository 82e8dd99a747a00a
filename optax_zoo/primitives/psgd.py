"""PSGD's preconditioner: Kronecker factors that are fitted step by step, so that they whiten gradients."""

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax

from optax_zoo import _checks
from optax_zoo.primitives.batched import batched
from optax_zoo.primitives.initial import random_normal, wrap_key
from optax_zoo.primitives.kronecker import as_trees, by_leaf
from optax_zoo.primitives.layout import laid_out_like, whole
from optax_zoo.primitives.overflow import bounded
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import lift, weak_float
from optax_zoo.primitives.renewal import renewed
from optax_zoo.primitives.stacked import Stacked, check_stacked, stacked_axes
from optax_zoo.primitives.tensor_axes import TensorAxes
from optax_zoo.primitives.turns import in_turn
from optax_zoo.primitives.types import Decay, DType, Key, Scalar

Diagonal: TypeAlias = Literal["longest", "longest_alone", "all"] | None
Noise: TypeAlias = Callable[[jax.Array, Any, Any], Any]  # from (key, t, a tree of zeros) to a tree of draws


class FittedState(NamedTuple):
    """State of `fitted_whitening`.

    Attributes:
      factors: for each axis that a leaf can have, a tree of factors Q: upper triangular (n, n), or diagonal (n,), a
        scalar 0 for leaves that have none. Of stacked layers one each, with the layers in front.
      since: steps taken since the last that fitted them (int32 scalar).
      count: steps taken (int32 scalar).
      key: raw data of the key that the draws to come are made from.
    """

    factors: tuple[Any, ...]
    since: Any
    count: Any
    key: Any


@primitive
def fitted_whitening(
    probability: Decay | None = None,
    *,
    rate: Scalar = 0.1,
    initial: Scalar = 1.0,
    balance: Decay = 0.01,
    of_gradient: bool = False,
    damping: Scalar | None = None,
    max_size: int = 8192,
    min_axes: int = 2,
    diagonal: Diagonal = None,
    merge: bool = True,
    key: Key | None = None,
    noise: Noise | None = None,
    factor_dtype: DType = None,
    stacked: Stacked = None,
) -> Rule:
    r"""Multiplies updates by :math:`Q^T Q`, a Kronecker product of factors that is fitted to whiten them (PSGD).

    With a standard normal probe V, and along each axis of a leaf a factor Q,

    .. math::

        A = (\otimes Q) (G + \delta \, \overline{|G|} \, V), \qquad B = (\otimes Q^{-T}) V, \qquad
        Q \leftarrow Q - \mu \frac{\mathrm{triu}(A A^T - B B^T)}{\|A A^T + B B^T\|} Q

    where A and B are seen as matrices whose rows are along the axis of that Q, and the norm is a lower bound of the
    spectral one. No eigenvalues are computed. Elements of G beyond 2^40 (2^338 in float64) count as that large, and
    factors grow no further where the update could overflow: gradients that are 0 for ever have factors of that size.

    Args:
      probability: one over the number of steps that factors serve, above 0 and at most 1, or a function of the number
        of steps taken. None: 1 for 500 steps, then falling to 0.03 at step 4000.
      rate: the rate mu at which they are fitted, at least 0.
      initial: what the product of the first factors is as a multiple of the identity, above 0.
      balance: how probable it is that a step which fits them balances the largest elements of the factors of a leaf
        first, or a function of the number of steps taken.
      of_gradient: fit them to the gradient as it left the slot gradient of a pipeline, in place of the updates.
      damping: delta, at least 0: how much of the probe is added to what they are fitted to; None for the root of the
        machine epsilon of the leaf, 3e-4 in float32.
      max_size: longer axes have diagonal factors.
      min_axes: leaves of fewer axes have diagonal factors.
      diagonal: which axes have diagonal factors besides: the "longest" (the last of those) of a leaf; that only where
        it is "longest_alone"; "all"; None for none.
      merge: whether leaves of more than two axes are seen as matrices, with the axes before the last together, or
        those after the first, whichever has more rows than columns.
      key: see `random_normal`.
      noise: what draws probes: a function of a key, of the number of the step from 1 on and of a tree of zeros to fill.
        None for independent normal draws. Recorded draws can be replayed through it.
      factor_dtype: dtype of the factors; by default that of the leaf, at least float32.
      stacked: which axes of a leaf stack layers, each of which has factors of its own; see `normalize_by_norm`.

    Returns:
      A transformation with state `FittedState`. Its factors are constants to derivatives.

    Raises:
      ValueError: for a number outside its range.

    Source:
      X.-L. Li (2015): Preconditioned Stochastic Gradient Descent. O. Pooladzandi, X.-L. Li (2024): Curvature-Informed
      SGD via General Purpose Lie-Group Preconditioners. evanatyourservice/psgd_jax and kron_torch, whose factors these
      are.
    """
    chance = _falling if probability is None else probability
    _checks.scalar("probability", chance, "above 0 and at most 1", lambda x: 0 < x <= 1, schedule=True)
    _checks.scalar("balance", balance, "at least 0 and at most 1", lambda x: 0 <= x <= 1, schedule=True)
    _checks.non_negative("rate", rate)
    _checks.positive("initial", initial)
    if damping is not None:
        _checks.non_negative("damping", damping)
    _checks.whole("max_size", max_size)
    _checks.whole("min_axes", min_axes)
    _checks.one_of("diagonal", diagonal, [None, "longest", "longest_alone", "all"])
    random_normal(1.0, key)  # refuses what cannot be a key
    check_stacked(stacked)
    draw = noise or _standard_normal

    def kinds_of(tree: Any) -> list[TensorAxes]:
        of_leaves = zip(jax.tree.leaves(tree), stacked_axes(stacked, tree), strict=True)
        return [_kind(np.shape(x), own, max_size, min_axes, diagonal, merge) for x, own in of_leaves]

    def init(params: Any) -> FittedState:
        leaves, treedef = jax.tree.flatten(params)
        of_leaves = zip(leaves, kinds_of(params), strict=True)
        columns = [_first_factors(kind, initial, factor_dtype or lift(x).dtype) for x, kind in of_leaves]
        missing = [jnp.zeros((), lift(x).dtype) for x in leaves]
        trees = itertools.zip_longest(*columns)
        filled = ([own if q is None else q for q, own in zip(tree, missing, strict=True)] for tree in trees)
        factors = tuple(jax.tree.unflatten(treedef, tree) for tree in filled)
        key_data = jnp.copy(jax.random.key_data(_typed(key)))
        return FittedState(factors, jnp.zeros((), jnp.int32), jnp.zeros((), jnp.int32), key_data)

    def fitted(tree: Any, factors: list[list[jax.Array]], kinds: list[TensorAxes], t: Any, key: jax.Array) -> Any:
        """The factors after a step that fits them to a tree."""
        draw_key, balance_key = jax.random.split(key)
        probes = jax.tree.leaves(draw(draw_key, t, jax.tree.map(jnp.zeros_like, tree)))
        balanced = jax.random.uniform(balance_key) < (balance(t - 1) if callable(balance) else balance)
        of_layer = functools.partial(_fitted_layer, balanced, rate, damping)
        return _fitted(of_layer, jax.tree.leaves(tree), probes, factors, kinds)

    def update(updates: Any, state: FittedState, params: Any = None, *, gradient: Any = None, **extra_args: Any) -> Any:
        if of_gradient:
            check_gradient(gradient)
        leaves = jax.tree.leaves(updates)
        treedef: Any = jax.tree.structure(updates)
        kinds, given = kinds_of(updates), [whole(bounded(x, 3)) for x in leaves]
        source = [whole(bounded(lift(x), 3)) for x in treedef.flatten_up_to(gradient)] if of_gradient else given
        tree = jax.tree.unflatten(treedef, jax.lax.stop_gradient(source))
        t, since = optax.safe_increment(state.count), optax.safe_increment(state.since)
        next_key, step_key = jax.random.split(_typed_like(state.key, key))
        share: Any = chance(state.count) if callable(chance) else chance
        due = weak_float(since) >= 1 / share
        old = jax.tree.map(whole, by_leaf(state.factors, len(leaves)))
        always = _checks.is_number(chance) and chance == 1
        factors = renewed(True if always else due, lambda: fitted(tree, old, kinds, t, step_key), old)
        whitened = list(map(laid_out_like, in_turn(_whitened, given, kinds, jax.lax.stop_gradient(factors)), leaves))
        after = jax.tree.map(laid_out_like, as_trees(factors, state.factors), state.factors)
        return jax.tree.unflatten(treedef, whitened), FittedState(
            after, jnp.where(due, 0, since), t, jax.random.key_data(next_key)
        )

    return Rule(init, update, seen=lambda tree: list(map(str, kinds_of(tree))))


def _standard_normal(key: jax.Array, t: Any, zeros: Any) -> Any:
    return random_normal(1.0, key)(zeros)


def _falling(count: jax.Array) -> jax.Array:
    """1 for 500 steps, then falling to 0.03."""
    return jnp.clip(jnp.exp((500 - weak_float(count)) / 1000), 0.03, 1.0)


def _typed(key: Key | None) -> jax.Array:
    return wrap_key(0 if key is None else key)


def _typed_like(data: jax.Array, key: Key | None) -> jax.Array:
    return jax.random.wrap_key_data(data, impl=jax.random.key_impl(_typed(key)))


def check_gradient(gradient: Any) -> None:
    """Refuses a step that is not told of the gradient."""
    if gradient is None:
        raise TypeError("fitted_whitening with of_gradient=True needs the gradient: put it into a slot of a pipeline.")


def _kind(
    lengths: tuple[int, ...], layers: tuple[int, ...], max_size: int, min_axes: int, diagonal: Diagonal, merge: bool
) -> TensorAxes:
    """How a leaf is seen: with the sizes of its triangular factors, 0 for those that are diagonal."""
    rest = tuple(axis for axis in range(len(lengths)) if axis not in layers)
    shape = tuple(lengths[axis] for axis in rest) or (1,)
    if merge and len(shape) > 2:
        tall, wide = (math.prod(shape[:-1]), shape[-1]), (shape[0], math.prod(shape[1:]))
        shape = tall if tall[1] - tall[0] <= wide[1] - wide[0] else wide
    largest = max(shape)
    longest = len(shape) - 1 - shape[::-1].index(largest)
    if diagonal == "longest_alone" and shape.count(largest) + (len(shape) == 1) > 1:
        longest = -1
    few = len(shape) < min_axes or diagonal == "all"
    sizes = (
        0 if few or n == 1 or n > max_size or (diagonal is not None and axis == longest) else n
        for axis, n in enumerate(shape)
    )
    return TensorAxes((*layers, *rest), tuple(lengths[axis] for axis in layers), shape, tuple(sizes))


def _first_factors(kind: TensorAxes, initial: Scalar, dtype: Any) -> list[jax.Array]:
    scale = initial ** (1 / len(kind.shape))

    def first(length: int, size: int) -> jax.Array:
        one = scale * (jnp.eye(size, dtype=dtype) if size else jnp.ones(length, dtype))
        return jnp.broadcast_to(one, (*kind.layers, *one.shape)).astype(dtype)

    return [first(*each) for each in zip(kind.shape, kind.sizes, strict=True)]


def _column(tensors: jax.Array) -> jax.Array:
    return tensors.reshape(len(tensors), math.prod(tensors.shape[1:]), 1)


def _factor(kind: TensorAxes, factors: Sequence[jax.Array], axis: int) -> jax.Array:
    """A factor of each layer: triangular ones as they are, diagonal ones as columns."""
    n, size = kind.shape[axis], kind.sizes[axis]
    return factors[axis].reshape(math.prod(kind.layers), n, size or 1)


def _is_diagonal(q: jax.Array) -> bool:
    return q.shape[1] == 1


def _along(matrix: Callable[[jax.Array], jax.Array], x: jax.Array, axis: int) -> jax.Array:
    """What a function of a matrix makes of a tensor whose rows are along an axis."""
    moved = jnp.moveaxis(x, axis, 0)
    return jnp.moveaxis(matrix(moved.reshape(len(moved), -1)).reshape(moved.shape), 0, axis)


def _fitted(
    of_layer: Callable[..., tuple[jax.Array, ...]],
    leaves: Sequence[jax.Array],
    probes: Sequence[jax.Array],
    factors: Sequence[Sequence[jax.Array]],
    kinds: Sequence[TensorAxes],
) -> list[list[jax.Array]]:
    """The factors that are fitted to leaves, those of equal leaves together.

    Args:
      of_layer: maps (shape, gradient, probe, *factors) of a layer to its factors.
      leaves, probes, factors, kinds: for each leaf its gradient, its probe, its factors, and how it is seen.
    """
    alike = dict[Any, list[int]]()
    for number, (kind, g) in enumerate(zip(kinds, leaves, strict=True)):
        if g.size:
            alike.setdefault((kind.shape, kind.sizes), []).append(number)
    made = [list(own) for own in factors]
    for (shape, sizes), numbers in alike.items():
        columns = [[_column(kinds[n].tensors(x[n])) for n in numbers] for x in (leaves, probes)]
        columns += [[_factor(kinds[n], factors[n], axis) for n in numbers] for axis in range(len(sizes))]
        for number, found in zip(numbers, batched(functools.partial(of_layer, shape), *columns), strict=True):
            for axis, q in enumerate(found):
                made[number][axis] = q.reshape(factors[number][axis].shape)
    return made


def _fitted_layer(
    balanced: jax.Array,
    rate: Scalar,
    damping: Scalar | None,
    shape: tuple[int, ...],
    g: jax.Array,
    probe: jax.Array,
    *factors: jax.Array,
) -> tuple[jax.Array, ...]:
    """The factors of one layer of a leaf after a step that fits them."""
    dtype = jnp.promote_types(g.dtype, factors[0].dtype)
    own = [q.astype(dtype) for q in factors]
    if len(shape) > 1:
        own = _balanced(own, balanced)
    noise = jnp.finfo(g.dtype).eps ** 0.5 if damping is None else damping
    a, b = (g + noise * jnp.mean(jnp.abs(g)) * probe).reshape(shape), probe.reshape(shape)
    for axis, q in enumerate(own):
        a = _along(functools.partial(_product, q), a, axis)
        b = _along(functools.partial(_solution, q), b, axis)
    largest = 2.0 ** ((jnp.finfo(dtype).maxexp - 28) // (2 * len(shape)))

    def nearer(q: jax.Array, axis: int) -> jax.Array:
        first, second = (jnp.moveaxis(bounded(x, 3), axis, 0).reshape(shape[axis], -1) for x in (a, b))
        return _limited(_nearer(q, first, second, rate), largest)

    return tuple(nearer(q, axis) for axis, q in enumerate(own))


def _balanced(factors: Sequence[jax.Array], wanted: jax.Array) -> list[jax.Array]:
    """Factors with the same product, whose largest elements are equal."""
    largest = jnp.stack([jnp.max(jnp.abs(q)) for q in factors])
    mean = jnp.exp(jnp.mean(jnp.log(largest)))
    return [q * jnp.where(wanted, mean / size, 1) for q, size in zip(factors, largest, strict=True)]


def _product(q: jax.Array, x: jax.Array) -> jax.Array:
    return q * x if _is_diagonal(q) else q @ x


def _solution(q: jax.Array, x: jax.Array) -> jax.Array:
    """Q^-H x."""
    if _is_diagonal(q):
        return x / q.conj()
    return jax.lax.linalg.triangular_solve(q, x, left_side=True, transpose_a=True, conjugate_a=True)


def _nearer(q: jax.Array, a: jax.Array, b: jax.Array, rate: Scalar) -> jax.Array:
    """A factor after a step towards where A and B have the same covariance."""
    tiny = jnp.finfo(q.dtype).tiny
    if _is_diagonal(q):
        first, second = (jnp.sum(jnp.abs(x) ** 2, axis=1, keepdims=True) for x in (a, b))
        return q - rate * (first - second) / jnp.maximum(jnp.max(first + second), tiny) * q
    first, second = a @ a.conj().T, b @ b.conj().T
    divisor = jnp.maximum(_least_spectral_norm(first + second), tiny)
    return q - jnp.triu(rate * (first - second)) / divisor @ q


def _least_spectral_norm(matrix: jax.Array) -> jax.Array:
    """A lower bound of the largest eigenvalue: how much longer two products make the longest column."""
    largest = jnp.max(jnp.abs(matrix))
    scaled = matrix / jnp.where(largest == 0, 1, largest)
    column = scaled[:, jnp.argmax(jnp.sum(jnp.abs(scaled) ** 2, axis=0))]
    product = scaled @ column
    length = jnp.linalg.norm(product)
    return jnp.linalg.norm(scaled @ (product / jnp.where(length == 0, 1, length))) * largest


def _limited(q: jax.Array, largest: float) -> jax.Array:
    return q * jnp.minimum(1, largest / jnp.max(jnp.abs(q)))


def _whitened(g: jax.Array, kind: TensorAxes, factors: Sequence[jax.Array]) -> jax.Array:
    """A leaf times Q^H Q along each of its axes."""
    tensors, triangular = kind.tensors(g), kind.batched(factors)
    x = kind.rotated(kind.rotated_back(tensors, triangular), triangular)
    for axis, size in enumerate(kind.sizes):
        if not size:
            squares = jnp.abs(factors[axis]) ** 2
            x = x * squares.reshape(len(x), *(n if number == axis else 1 for number, n in enumerate(kind.shape)))
    return kind.leaf(x, g)
