"""Paths of leaves, as rules that go by name read them."""

import difflib
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import jax


def keys_of(path: Sequence[Any]) -> tuple[str, ...]:
    """The keys of a path, but for the attribute `value` at its end: a box of Flax (`nnx.Param`, `nn.Partitioned`)."""
    boxed = bool(path) and isinstance(path[-1], jax.tree_util.GetAttrKey) and path[-1].name == "value"
    inside = path[:-1] if boxed else path
    return tuple(jax.tree_util.keystr((entry,), simple=True) for entry in inside)


def named(path: Sequence[Any]) -> str:
    """A path as it is shown: "block/attention/kernel"."""
    return "/".join(keys_of(path))


def as_keys(argument: str, names: Any, example: str) -> tuple[str, ...]:
    """Names of keys as a tuple; a name alone, which would be taken for its letters, is refused."""
    given = (names,) if isinstance(names, str) or not isinstance(names, Iterable) else tuple(names)
    if isinstance(names, str) or not all(isinstance(name, str) for name in given):
        raise TypeError(f"{argument} is {names!r}, but must be a tuple of keys: {example}.")
    return given


def refuse_absent(argument: str, names: Iterable[str], keys: Collection[str]) -> None:
    """Refuses names that no path of a tree has among its keys."""
    for name in names:
        if name not in keys:
            near = "".join(f" Did you mean {each!r}?" for each in difflib.get_close_matches(name, keys, n=1))
            raise ValueError(f"{argument} has {name!r}, but no path of the variables has that key.{near}")
