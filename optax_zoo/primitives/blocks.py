"""Leaves cut into blocks, on which methods whose cost grows with the length of an axis act one by one."""

import dataclasses
import itertools
import math
from typing import Any

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.layout import laid_out_like, whole
from optax_zoo.primitives.part import Rule, needs_of, primitive, update_of
from optax_zoo.primitives.stacked import Stacked, check_stacked, stacked_axes
from optax_zoo.primitives.tensor_axes import TensorAxes, merged


@primitive
def blocked(part: optax.GradientTransformation, size: int, *, merge: bool = False, stacked: Stacked = None) -> Rule:
    """A transformation of the blocks of each leaf, which are at most so long along each axis.

    It sees, in place of a leaf, a tuple of arrays: the blocks of equal shape along a leading axis. So it must be made
    with `stacked=1`: `blocked(kronecker_roots(stacked=1), 1024)`.

    Args:
      part: what acts on blocks.
      size: the longest that a block can be, at least 1.
      merge: whether neighbouring axes are seen as one while their product is at most `size`, before leaves are cut.
      stacked: which axes of a leaf stack layers, which are not cut; see `normalize_by_norm`.

    Returns:
      A transformation with the state of the one inside.

    Raises:
      ValueError: if `stacked` gives a leaf axes that it does not have.
    """
    _checks.whole("size", size)
    check_stacked(stacked)
    update_blocks = update_of(part)

    def cut(tree: Any) -> Any:
        leaves, treedef = jax.tree.flatten(tree)
        of_leaves = zip(leaves, stacked_axes(stacked, tree), strict=True)
        return jax.tree.unflatten(treedef, [Blocks.of(x, own, size, merge).cut(whole(x)) for x, own in of_leaves])

    def init(params: Any) -> Any:
        return part.init(cut(params))

    def update(updates: Any, state: Any, params: Any = None, *, gradient: Any = None, **extra_args: Any) -> Any:
        if gradient is not None:
            extra_args["gradient"] = cut(gradient)
        made, after = update_blocks(cut(updates), state, None if params is None else cut(params), **extra_args)
        leaves = jax.tree.leaves(updates)
        treedef: Any = jax.tree.structure(updates)
        of_leaves = zip(leaves, stacked_axes(stacked, updates), treedef.flatten_up_to(made), strict=True)
        glued = [laid_out_like(Blocks.of(x, own, size, merge).glued(u, x), x) for x, own, u in of_leaves]
        return jax.tree.unflatten(treedef, glued), after

    return Rule(init, update, needs_of(part))


@dataclasses.dataclass(frozen=True)
class Blocks:
    """How a leaf is cut.

    Attributes:
      axes: the leaf as layers of tensors.
      pieces: for each axis of a tensor its runs of blocks, (how many, how long).
    """

    axes: TensorAxes
    pieces: tuple[tuple[tuple[int, int], ...], ...]

    @classmethod
    def of(cls, leaf: Any, layers: tuple[int, ...], size: int, merge: bool) -> "Blocks":
        axes = TensorAxes.of(leaf, layers, max_size=size, of_vectors=True)
        if merge:
            axes = dataclasses.replace(axes, shape=merged(axes.shape, size))
        return cls(axes, tuple(_runs(n, size) for n in axes.shape))

    def cut(self, x: jax.Array) -> tuple[jax.Array, ...]:
        """The blocks of a leaf, those of equal shape stacked."""
        tensors = self.axes.tensors(x)
        found = []
        for runs, starts in self._groups():
            cuts = [slice(a, a + count * n) for a, (count, n) in zip(starts, runs, strict=True)]
            grid = tensors[(slice(None), *cuts)].reshape(len(tensors), *itertools.chain(*runs))
            counts = [1 + 2 * axis for axis in range(len(runs))]
            blocks = grid.transpose(0, *counts, *(at + 1 for at in counts))
            found.append(blocks.reshape(-1 if blocks.size else self._count(runs), *(n for _, n in runs)))
        return tuple(found)

    def glued(self, blocks: tuple[jax.Array, ...], like: jax.Array) -> jax.Array:
        """The leaf that has these blocks."""
        layers, rank = math.prod(self.axes.layers), len(self.pieces)
        together = {}
        for (runs, starts), own in zip(self._groups(), blocks, strict=True):
            grid = own.reshape(layers, *(count for count, _ in runs), *(n for _, n in runs))
            order = itertools.chain(*((1 + axis, 1 + rank + axis) for axis in range(rank)))
            together[starts] = grid.transpose(0, *order).reshape(layers, *(count * n for count, n in runs))
        for axis in reversed(range(rank)):
            rows: dict[tuple[int, ...], list[jax.Array]] = {}
            for starts, piece in together.items():
                rows.setdefault(starts[:axis], []).append(piece)
            together = {
                starts: pieces[0] if len(pieces) == 1 else jnp.concatenate(pieces, axis + 1)
                for starts, pieces in rows.items()
            }
        return self.axes.leaf(together[()], like)

    def _groups(self) -> list[tuple[tuple[tuple[int, int], ...], tuple[int, ...]]]:
        """The runs along each axis, and where they begin, of each group of blocks of equal shape."""
        begun = [list(zip(runs, (0, runs[0][0] * runs[0][1]), strict=False)) for runs in self.pieces]
        return [
            (tuple(run for run, _ in group), tuple(start for _, start in group)) for group in itertools.product(*begun)
        ]

    def _count(self, runs: tuple[tuple[int, int], ...]) -> int:
        return math.prod(self.axes.layers) * math.prod(count for count, _ in runs)


def _runs(length: int, size: int) -> tuple[tuple[int, int], ...]:
    """Blocks of full length, and what is left."""
    if length <= size:
        return ((1, length),)
    full, left = divmod(length, size)
    return ((full, size), (1, left)) if left else ((full, size),)
