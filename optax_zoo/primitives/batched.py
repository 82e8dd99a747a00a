"""Equal matrices of many leaves through one call: decompositions and iterations are compiled once for a shape."""

import functools
import math
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from optax_zoo.primitives.spread import is_spread, shared_out
from optax_zoo.primitives.turns import in_turn

CACHED = 2**18  # numbers of a batch that stays in the cache of a CPU while a matrix is iterated
RESIDENT = 2**24  # of a batch that fills an accelerator


def batched(
    function: Callable[..., Any],
    *columns: Sequence[jax.Array],
    most: int | None = None,
    decomposes: bool = False,
    splits: bool = False,
) -> list[Any]:
    """What a function of one matrix, or of some that belong together, makes of those of each leaf.

    Leaves whose matrices have equal shapes, dtypes and layouts share calls of `jax.vmap(function)`, which is traced
    once for them.

    Args:
      function: of as many matrices as there are columns; it returns an array, or a tree of arrays.
      *columns: for each leaf its array: matrices (..., m, n), of which all axes before the last two are layers, the
        same ones in all columns. On a mesh of Explicit axes layers are in one piece (`layout.whole`).
      most: how many numbers of the first column go into a call, though at least one matrix: what a call stacks is a
        temporary, and on meshes is gathered together. None stands for what suits the backend.
      decomposes: whether the function calls LAPACK, which on CPUs takes one matrix after another: there a call for
        several waits for threads of the pool that it occupies one of itself, and as many of these calls at once as the
        pool has threads wait for ever (jaxlib 0.10, seen with QR on two cores).
      splits: whether the function is made of products, which XLA splits over devices as its matrices are. On a mesh
        batches of others take turns, since they are gathered: see `in_turn`.

    Returns:
      The results of each leaf, with its layers before their own axes.
    """
    if not columns[0]:
        return []
    on_cpu = jax.default_backend() == "cpu"
    alone = decomposes and on_cpu
    if most is None:
        most = 1 if alone else CACHED if on_cpu else RESIDENT
    leaves = [tuple(leaf) for leaf in zip(*columns, strict=True)]
    layers = [leaf[0].shape[:-2] for leaf in leaves]
    flat = [tuple(x.reshape(math.prod(x.shape[:-2]), *x.shape[-2:]) for x in leaf) for leaf in leaves]
    groups: dict[Hashable, list[int]] = {}
    for number, leaf in enumerate(flat):
        groups.setdefault(tuple(map(_kind, leaf)), []).append(number)
    call, shared = _of_batches(function, alone), _of_batches(function)

    def of_batch(parts: list[list[jax.Array]]) -> Any:
        joined = list(map(_joined, parts))
        return shared_out(shared, joined) if is_spread(joined[0].shape[1:]) else call(*joined)

    batches: list[list[int]] = []
    for numbers in groups.values():
        shape, counts = flat[numbers[0]][0].shape[1:], [len(flat[number][0]) for number in numbers]
        size = sum(counts) if is_spread(shape) else max(1, most // max(1, math.prod(shape)))
        batches += _batches(numbers, counts, size)
    parts = [[[flat[number][i] for number in together] for i in range(len(columns))] for together in batches]
    made: list[Any] = [None] * len(leaves)
    made_of: Callable[..., Any] = map if splits else in_turn
    for together, found in zip(batches, made_of(of_batch, parts), strict=True):
        start = 0
        for number in together:
            stop = start + len(flat[number][0])
            made[number] = jax.tree.map(_cut(start, stop, layers[number]), found)
            start = stop
    return made


def _of_batches(function: Callable[..., Any], alone: bool = False) -> Callable[..., Any]:
    """A function of batches, which of a batch of one matrix is none: XLA:CPU multiplies that faster."""
    of_one = jax.jit(function)
    of_many = jax.jit(functools.partial(_one_by_one, function) if alone else jax.vmap(function))

    def call(*batches: jax.Array) -> Any:
        if len(batches[0]) != 1:
            return of_many(*batches)
        return jax.tree.map(lambda x: jnp.asarray(x)[None], of_one(*(batch[0] for batch in batches)))

    return call


def _one_by_one(function: Callable[..., Any], *batches: jax.Array) -> Any:
    return jax.lax.map(lambda own: function(*own), batches)


def _kind(x: jax.Array) -> Hashable:
    """What arrays must have in common to be joined: dtype, shape and layout of a layer, and the devices they are on."""
    kind = jax.typeof(x)
    placed = None if isinstance(x, jax.core.Tracer) else getattr(x, "sharding", None)  # NumPy has none
    return x.shape[1:], kind.dtype, kind.sharding, getattr(kind, "vma", None), placed


def _batches(numbers: list[int], counts: list[int], size: int) -> list[list[int]]:
    """Leaves in their order, together as long as they have no more matrices than that; a leaf stays in one piece."""
    found: list[list[int]] = []
    room = 0
    for number, count in zip(numbers, counts, strict=True):
        if not found or count > room:
            found.append([])
            room = size
        found[-1].append(number)
        room -= count
    return found


def _joined(parts: list[jax.Array]) -> jax.Array:
    return parts[0] if len(parts) == 1 else jnp.concatenate(parts)


def _cut(start: int, stop: int, layers: tuple[int, ...]) -> Callable[[jax.Array], jax.Array]:
    return lambda x: x[start:stop].reshape(*layers, *x.shape[1:])
