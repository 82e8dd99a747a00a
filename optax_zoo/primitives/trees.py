"""Trees that should be alike: what is said where they are not, and one beside another that is masked."""

from typing import Any

import jax
import optax


def difference(prefix: Any, tree: Any, names: tuple[str, str]) -> str:
    """Where two trees differ, in words: the first path that the one has and the other has not."""
    first, second = ([path for path, _ in jax.tree.leaves_with_path(each, is_leaf=is_none)] for each in (prefix, tree))
    for mine, theirs, name in ((first, second, names[0]), (second, first, names[1])):
        for path in mine:
            if not any(path == other[: len(path)] or other == path[: len(other)] for other in theirs):
                return f"{jax.tree_util.keystr(path)} is in the {name} only"
    return f"{jax.tree.structure(prefix)} and {jax.tree.structure(tree)}"


def is_none(x: Any) -> bool:
    """Whether something is None; as `is_leaf` it makes None a leaf."""
    return x is None


def leaves_beside(tree: Any, other: Any) -> list[Any]:
    """The leaves of another tree where this one, of which some may be masked, has leaves."""

    def is_masked(x: Any) -> bool:
        return isinstance(x, optax.MaskedNode)

    return jax.tree.leaves(jax.tree.map(lambda x, y: x if is_masked(x) else y, tree, other, is_leaf=is_masked))
