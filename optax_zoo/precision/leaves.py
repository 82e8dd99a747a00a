"""Trees of which some leaves are narrow, and the steps that bring parameters to numbers of their types."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from optax_zoo.precision.rounding import nearest
from optax_zoo.primitives.precision import dtype_of
from optax_zoo.primitives.trees import difference, is_none


def is_narrow(x: Any, than: Any = jnp.float32) -> bool:
    """Whether a leaf is of a floating-point type with fewer bits than another."""
    dtype = dtype_of(x)
    return jnp.issubdtype(dtype, jnp.floating) and jnp.finfo(dtype).bits < jnp.finfo(than).bits


def widened(tree: Any, dtype: Any = jnp.float32) -> Any:
    """A tree whose narrow leaves are in a wider type, and all others as they are."""
    return jax.tree.map(lambda x: jnp.asarray(x).astype(dtype) if is_narrow(x, dtype) else x, tree)


def of_narrow(function: Callable[[Any], Any], tree: Any, dtype: Any = jnp.float32) -> Any:
    """What a function makes of each narrow leaf; an `optax.MaskedNode` in the places of others."""
    return jax.tree.map(lambda x: function(x) if is_narrow(x, dtype) else optax.MaskedNode(), tree)


def map_beside(function: Callable[..., tuple[Any, Any]], updates: Any, kept: Any, params: Any) -> tuple[Any, Any]:
    """`function(update, entry, parameter)` of each leaf that has an update and an entry, and all others as they are.

    Args:
      function: returns a new update and a new entry.
      updates: a tree, None where a leaf has no update.
      kept: entries for some of its leaves, an `optax.MaskedNode` in the places of others.
      params: a tree like the updates.

    Raises:
      ValueError: for parameters of another tree, with the first path that differs.
    """
    treedef: Any = jax.tree.structure(updates, is_leaf=is_none)
    leaves = jax.tree.leaves(updates, is_leaf=is_none)
    entries = _entries(treedef, kept, (updates, "updates"), "state")
    parameters = _entries(treedef, params, (updates, "updates"), "params")
    found = [
        (u, entry) if u is None or _is_nothing(entry) else function(u, entry, p)
        for u, entry, p in zip(leaves, entries, parameters, strict=True)
    ]
    return treedef.unflatten([u for u, _ in found]), treedef.unflatten([entry for _, entry in found])


def at_exact(function: Callable[[Any, Any], Any], kept: Any, params: Any) -> Any:
    """`function(entry, parameter)` of each parameter that has an entry, and all others as they are.

    Raises:
      ValueError: for parameters of another tree than the state was made for, with the first path that differs.
    """
    treedef: Any = jax.tree.structure(params)
    leaves = jax.tree.leaves(params)
    entries = _entries(treedef, kept, (params, "params"), "state")
    return treedef.unflatten(
        [p if _is_nothing(entry) else function(entry, p) for entry, p in zip(entries, leaves, strict=True)]
    )


def _entries(treedef: Any, other: Any, ours: tuple[Any, str], name: str) -> list[Any]:
    """What another tree has in the places of the leaves of ours."""
    try:
        return treedef.flatten_up_to(other)
    except ValueError:
        tree, own = ours
        raise ValueError(f"{own} and {name} are different trees: {difference(tree, other, (own, name))}.") from None


def _is_nothing(entry: Any) -> bool:
    return entry is None or isinstance(entry, optax.MaskedNode)


def step_to(target: jax.Array, p: Any) -> jax.Array:
    """The update that brings a parameter to a number of its type: the difference, in the target's wider type."""
    return target - jnp.asarray(p).astype(target.dtype)


def nearest_to(exact: jax.Array, p: Any) -> jax.Array:
    """The number nearest to an exact one in the type of a parameter, in the type of the exact one."""
    return nearest(exact, dtype_of(p)) if is_narrow(p, exact.dtype) else exact
