"""Factors of matrices: what a state keeps of rows and of columns, instead of elements."""

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


def covered_shapes(state: Any) -> set[tuple[int, ...]]:
    """The shapes of leaves that a state has a number for each element of, kept as it is or in factors."""
    shapes = set()
    for entry in jax.tree.leaves(state, is_leaf=_are_factors):
        if _are_factors(entry):
            both = zip(jax.tree.leaves(entry.rows), jax.tree.leaves(entry.columns), strict=True)
            shapes |= {jnp.broadcast_shapes(jnp.shape(rows), jnp.shape(columns)) for rows, columns in both}
        else:
            shapes.add(jnp.shape(entry))
    return shapes


def _are_factors(node: Any) -> bool:
    return isinstance(node, Factors)
