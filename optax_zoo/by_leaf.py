"""One traversal of a tree: an update that is traced once for all leaves of the same shapes and dtypes."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp


class Piece(NamedTuple):
    """A leaf of a tree, the state as if that leaf were the whole tree, and its parameter, or None."""

    leaf: Any
    state: Any
    param: Any


class Split(NamedTuple):
    """A tree and a state taken apart, for a walk leaf by leaf.

    Attributes:
      leaves: the leaves of the tree.
      treedef: the structure of the tree.
      entries: what the state has: lists with an item for each leaf, and scalars for all of them.
      outline: what is around the entries.
    """

    leaves: list[Any]
    treedef: Any
    entries: list[Any]
    outline: Any

    def pieces(self, params: Any) -> Iterator[Piece]:
        """Each leaf with its state and its parameter."""
        parameters = [None] * len(self.leaves) if params is None else self.treedef.flatten_up_to(params)
        for number, leaf in enumerate(self.leaves):
            own = []
            for entry in self.entries:
                own.append(entry[number] if isinstance(entry, list) else entry)
            yield Piece(leaf, self.outline.unflatten(own), parameters[number])

    def merged(self, done: Sequence[tuple[Any, Any]]) -> tuple[Any, Any]:
        """The updates and the state of the tree from those of each leaf."""
        updates, states = zip(*done, strict=True)
        columns = zip(*map(self.outline.flatten_up_to, states), strict=True)
        of_tree = []
        for column, entry in zip(columns, self.entries, strict=True):
            of_tree.append(self.treedef.unflatten(column) if isinstance(entry, list) else column[0])
        return self.treedef.unflatten(updates), self.outline.unflatten(of_tree)


def split(updates: Any, state: Any) -> Split | None:
    """A tree and a state that has only entries for each leaf and scalars for all; None for another state."""
    treedef: Any = jax.tree.structure(updates)
    found, outline = entries(state, treedef)
    split_entries: list[Any] = []
    for entry in found:
        if treedef == jax.tree.structure(entry):
            split_entries.append(jax.tree.leaves(entry))
        elif jnp.ndim(entry) == 0:
            split_entries.append(entry)
        else:
            return None
    return Split(jax.tree.leaves(updates), treedef, split_entries, outline)


def alike(state: Any, tree: Any) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    """The subtrees of a state that have an array of the same shape for each leaf of a tree.

    Returns:
      A tuple of the subtrees and a function that puts others in their places and returns the state.
    """
    found, outline = entries(state, jax.tree.structure(tree))
    shapes = list(map(jnp.shape, jax.tree.leaves(tree)))
    places = [i for i, entry in enumerate(found) if list(map(jnp.shape, jax.tree.leaves(entry))) == shapes]

    def put(subtrees: list[Any]) -> Any:
        new = dict(zip(places, subtrees, strict=True))
        return outline.unflatten([new.get(i, entry) for i, entry in enumerate(found)])

    return [found[i] for i in places], put


def first_failure(update: Callable[..., Any], updates: Any, state: Any, params: Any) -> str | None:
    """The path of the first leaf that `update(leaf, state, param)` raises an error for, if one does."""
    parts = split(updates, state)
    if parts is None:
        return None
    paths = [path for path, _ in jax.tree.leaves_with_path(updates)]
    for path, piece in zip(paths, parts.pieces(params), strict=True):
        try:
            jax.eval_shape(update, *piece)
        except Exception:
            return jax.tree_util.keystr(path)
    return None


def entries(state: Any, treedef: Any) -> tuple[list[Any], Any]:
    """The subtrees of a state that have an entry for each leaf, and its other leaves; and what is around them."""
    return jax.tree.flatten(state, is_leaf=lambda node: treedef == jax.tree.structure(node))


def structure(tree: Any) -> Any:
    """The structure of a tree, as `jax.tree.structure` returns it."""
    return jax.tree.structure(tree)
