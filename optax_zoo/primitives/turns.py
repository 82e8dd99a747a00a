"""One leaf after another where they are split over devices, so that none has all leaves in one piece at once."""

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax.sharding import AxisType

TOGETHER = 2  # leaves in work at once: what one of them needs can be brought together while another is computed

_Made = TypeVar("_Made")


def in_turn(function: Callable[..., _Made], *columns: Sequence[Any]) -> list[_Made]:
    """What a function makes of each leaf; of leaves that are split over devices, a few at once.

    Nothing else keeps XLA from gathering the matrices of all leaves before it uses the first of them, and on CPUs it
    does. Where a leaf has matrices on a mesh, its inputs and what was made of an earlier such leaf pass through a
    `jax.lax.optimization_barrier` together, so that the one waits for the other. On one device, and in `jax.shard_map`,
    there is none.

    Args:
      function: of what a leaf has in each column. It returns an array, or a tree of arrays.
      *columns: for each leaf arrays, trees of them, or anything else.
    """
    made: list[_Made] = []
    taken: list[int] = []
    for number, own in enumerate(zip(*columns, strict=True)):
        if _has_split_matrices(own):
            if len(taken) >= TOGETHER:
                before = taken[-TOGETHER]
                made[before], own = _in_order(made[before], own)
            taken.append(number)
        made.append(function(*own))
    return made


def identity_for(matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
    """A square matrix (..., n, n), and the identity beside it, which on a mesh is not made before the matrix is there.

    XLA would make those for the matrices of all leaves before it uses the first.
    """
    one = jnp.ones((), matrix.dtype)
    if _is_on_mesh(matrix):
        matrix, one = _in_order(matrix, one)
    rows = jnp.arange(matrix.shape[-1])
    return matrix, jnp.where(rows[:, None] == rows[None], one, 0)


def _in_order(done: Any, begun: Any) -> Any:
    """Both as they are, the second not before the first: XLA drops a barrier of which either is not used."""
    leaves, treedef = jax.tree.flatten((done, begun))
    arrays = [number for number, x in enumerate(leaves) if isinstance(x, jax.Array)]
    for number, x in zip(arrays, jax.lax.optimization_barrier([leaves[n] for n in arrays]), strict=True):
        leaves[number] = x
    return jax.tree.unflatten(treedef, leaves)


def _has_split_matrices(tree: Any) -> bool:
    return any(isinstance(x, jax.Array) and x.ndim > 1 and _is_on_mesh(x) for x in jax.tree.leaves(tree))


def _is_on_mesh(x: jax.Array) -> bool:
    """Whether jax spreads it over several devices, as far as that is known when a step is traced."""
    mesh = jax.typeof(x).sharding.mesh
    automatic = (
        size for size, kind in zip(mesh.axis_sizes, mesh.axis_types, strict=True) if kind is not AxisType.Manual
    )
    return math.prod(automatic) > 1
