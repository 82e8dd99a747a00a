"""One traversal of a tree: an update that is traced once for all leaves of the same shapes and dtypes."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp


def applies(updates: Any, state: Any) -> bool:
    """Whether several leaves are being traced, and the state has only entries for each leaf and scalars for all.

    A state of another tree does not: what goes over the whole tree names the difference.
    """
    leaves, treedef = _flatten(updates)
    if len(leaves) < 2 or not any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
        return False
    return all(jax.tree.structure(entry) == treedef or jnp.ndim(entry) == 0 for entry in _entries(state, treedef)[0])


def update_by_leaf(update: Callable[..., Any], updates: Any, state: Any, params: Any, *others: Any) -> Any:
    """What `update(updates, state, params, *others)` returns, from one call for each leaf.

    Args:
      update: maps a leaf, the state as if the leaf were the whole tree, its parameter and the others to an update and a
        state. The scalars in that state must come out the same for all leaves.
      updates: the tree.
      state: one that `applies`.
      params: a tree that has the structure of `updates` at its top, or None.
      *others: the same for all leaves.

    Returns:
      A tuple of (updates, state).
    """
    leaves, treedef = _flatten(updates)
    entries, outline = _entries(state, treedef)
    of_leaves = [jax.tree.structure(entry) == treedef for entry in entries]

    def rows() -> Iterator[list[Any]]:
        trees = [jax.tree.leaves(entry) if each else entry for entry, each in zip(entries, of_leaves, strict=True)]
        for number in range(len(leaves)):
            yield [tree[number] if each else tree for tree, each in zip(trees, of_leaves, strict=True)]

    parameters = [None] * len(leaves) if params is None else treedef.flatten_up_to(params)
    done = [
        update(leaf, outline.unflatten(row), parameter, *others)
        for leaf, row, parameter in zip(leaves, rows(), parameters, strict=True)
    ]
    columns = zip(*(outline.flatten_up_to(after) for _, after in done), strict=True)
    merged = [treedef.unflatten(each) if many else each[0] for each, many in zip(columns, of_leaves, strict=True)]
    return treedef.unflatten([u for u, _ in done]), outline.unflatten(merged)


def _entries(state: Any, treedef: Any) -> tuple[list[Any], Any]:
    """The subtrees of a state that have an entry for each leaf, and its other leaves; and what is around them."""
    return _flatten(state, is_leaf=lambda node: jax.tree.structure(node) == treedef)


def _flatten(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> tuple[list[Any], Any]:
    return jax.tree.flatten(tree, is_leaf=is_leaf)
