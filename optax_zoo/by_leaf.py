"""One traversal of a tree: an update that is traced once for all leaves of the same shapes and dtypes."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp


class Piece(NamedTuple):
    """A leaf of a tree, the state as if that leaf were the whole tree, and its parameter, or None."""

    leaf: Any
    state: Any
    param: Any


def applies(updates: Any, state: Any) -> bool:
    """Whether several leaves are being traced, and the state can be split by leaf."""
    leaves, _ = _flatten(updates)
    return len(leaves) > 1 and any(isinstance(leaf, jax.core.Tracer) for leaf in leaves) and splits(updates, state)


def splits(updates: Any, state: Any) -> bool:
    """Whether a state has only entries for each leaf and scalars for all; one of another tree does not."""
    treedef = structure(updates)
    return all(structure(entry) == treedef or jnp.ndim(entry) == 0 for entry in entries(state, treedef)[0])


def update_by_leaf(update: Callable[..., Any], updates: Any, state: Any, params: Any, *others: Any) -> Any:
    """What `update(updates, state, params, *others)` returns, from one call for each leaf.

    Args:
      update: maps a leaf, the state as if the leaf were the whole tree, its parameter and the others to an update and a
        state. The scalars in that state must come out the same for all leaves.
      updates: the tree.
      state: one that `splits`.
      params: a tree that has the structure of `updates` at its top, or None.
      *others: the same for all leaves.

    Returns:
      A tuple of (updates, state).
    """
    treedef = structure(updates)
    of_tree, outline = entries(state, treedef)
    of_leaves = [structure(entry) == treedef for entry in of_tree]
    done = [update(*piece, *others) for piece in pieces(updates, state, params)]
    columns = zip(*(outline.flatten_up_to(after) for _, after in done), strict=True)
    merged = [treedef.unflatten(each) if many else each[0] for each, many in zip(columns, of_leaves, strict=True)]
    return treedef.unflatten([u for u, _ in done]), outline.unflatten(merged)


def pieces(updates: Any, state: Any, params: Any) -> Iterator[Piece]:
    """A tree, its state and its parameters, split by leaf."""
    leaves, treedef = _flatten(updates)
    of_tree, outline = entries(state, treedef)
    trees = [jax.tree.leaves(entry) if structure(entry) == treedef else [entry] * len(leaves) for entry in of_tree]
    parameters = [None] * len(leaves) if params is None else treedef.flatten_up_to(params)
    for number, (leaf, parameter) in enumerate(zip(leaves, parameters, strict=True)):
        yield Piece(leaf, outline.unflatten([tree[number] for tree in trees]), parameter)


def first_failure(update: Callable[..., Any], updates: Any, state: Any, params: Any) -> str | None:
    """The path of the first leaf that `update(leaf, state, param)` raises an error for, if one does."""
    paths = [path for path, _ in jax.tree.leaves_with_path(updates)]
    for path, piece in zip(paths, pieces(updates, state, params), strict=True):
        try:
            jax.eval_shape(update, *piece)
        except Exception:
            return jax.tree_util.keystr(path)
    return None


def entries(state: Any, treedef: Any) -> tuple[list[Any], Any]:
    """The subtrees of a state that have an entry for each leaf, and its other leaves; and what is around them."""
    return _flatten(state, is_leaf=lambda node: structure(node) == treedef)


def _flatten(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> tuple[list[Any], Any]:
    return jax.tree.flatten(tree, is_leaf=is_leaf)


def structure(tree: Any) -> Any:
    """The structure of a tree, as `jax.tree.structure` returns it."""
    return jax.tree.structure(tree)
