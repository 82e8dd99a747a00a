"""What a state keeps of rows and columns, instead of elements: factors of matrices, and what covers them."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp


class Factors(NamedTuple):
    """What is kept of the rows and of the columns of each leaf.

    Attributes:
      rows: a tree with one number for each row of a leaf, of shape (..., rows, 1); for a leaf that is not factored one
        for each element.
      columns: a tree with one number for each column of a leaf, of shape (..., 1, columns); for a leaf that is not
        factored a single 0.
    """

    rows: Any
    columns: Any


class Covers(NamedTuple):
    """What is kept of each axis of each leaf.

    Attributes:
      axes: as many trees as a leaf has axes at most: in the first one number for each index along the first axis of a
        leaf, of shape (rows, 1, 1), in the second for each along the second, of shape (1, columns, 1), and so on; a
        single 0 where a leaf has fewer axes.
    """

    axes: tuple[Any, ...]


def covered_shapes(state: Any) -> set[tuple[int, ...]]:
    """The shapes of leaves that a state has a number for each element of, kept as it is or of its axes."""
    shapes = set()
    for entry in jax.tree.leaves(state, is_leaf=_is_of_axes):
        if _is_of_axes(entry):
            trees = entry.axes if isinstance(entry, Covers) else entry
            for of_leaf in zip(*map(jax.tree.leaves, trees), strict=True):
                shapes.add(jnp.broadcast_shapes(*map(jnp.shape, of_leaf)))
        else:
            shapes.add(jnp.shape(entry))
    return shapes


def _is_of_axes(node: Any) -> bool:
    return isinstance(node, (Factors, Covers))
