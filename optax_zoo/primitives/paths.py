"""Paths of leaves, as rules that go by name read them."""

from collections.abc import Sequence
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
