"""Which leaves a step moves: gradients, parameters and states brought into line before any part sees them.

An optimizer moves floating-point and complex parameters that have a gradient. To its parts any other leaf is None:
integers, bools and random keys have no state and an update of 0; where a gradient is None, so is the update, and what
state that leaf has stays as it is.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from optax_zoo.primitives.precision import dtype_of
from optax_zoo.primitives.trees import difference, is_none

Finish = Callable[[Any, Any, Any], tuple[Any, Any]]


class Aligned(NamedTuple):
    """What the parts of an optimizer are given, and what makes the whole of their answer.

    Attributes:
      updates: the gradients, None where no part shall see one.
      params: the parameters of these, or None.
      finish: from (updates of the parts, state, state before) to the updates and the state of the whole tree; None
        where they are that already.
    """

    updates: Any
    params: Any
    finish: Finish | None


def moved(params: Any) -> Any:
    """The tree with None in place of leaves that no optimizer moves."""
    return jax.tree.map(lambda p: p if is_moved(p) else None, params)


def align(updates: Any, state: Any, params: Any) -> Aligned:
    """Brings gradients and parameters into line, or says where they are not.

    Raises:
      ValueError: for trees or shapes that differ, with the path of the first leaf that does.
      TypeError: for integer gradients of other than integer parameters.
    """
    treedef: Any = jax.tree.structure(updates, is_leaf=is_none)
    grads = jax.tree.leaves(updates, is_leaf=is_none)
    try:
        at = None if params is None else treedef.flatten_up_to(params)
    except (ValueError, TypeError):
        raise _other_tree(updates, params) from None
    if _all_moved(grads, at):
        return Aligned(updates, params, None)
    if at is not None:
        _check_shapes(updates, grads, at)
    _check_kinds(updates, grads, at)
    return _partly_moved(grads, treedef, at, state)


def _all_moved(grads: Sequence[Any], at: Sequence[Any] | None) -> bool:
    """Whether each leaf is moved and has a gradient of its parameter's shape, as nearly always."""
    try:
        for g, p in zip(grads, grads if at is None else at, strict=True):
            if not (g.shape == p.shape and _is_inexact(g.dtype) and _is_inexact(p.dtype)):
                return False
    except AttributeError:  # of what is not an array
        return at is None and all(map(is_moved, grads))
    return True


def _partly_moved(grads: Sequence[Any], treedef: Any, at: Sequence[Any] | None, state: Any) -> Aligned:
    """Where some leaves are not moved. A leaf with a state and no gradient is shown as 0, and its state put back."""
    moves = [is_moved(g) and (at is None or is_moved(at[i])) for i, g in enumerate(grads)]
    kept = _kept(grads, treedef, at, state)
    shown = [g if moves[i] else kept.get(i) for i, g in enumerate(grads)]
    params = None if at is None else treedef.unflatten([None if shown[i] is None else p for i, p in enumerate(at)])

    def finish(u: Any, after: Any, before: Any) -> tuple[Any, Any]:
        of_parts = jax.tree.leaves(u, is_leaf=is_none)
        of_leaves = [each if moves[i] else _still(grads[i]) for i, each in enumerate(of_parts)]
        return treedef.unflatten(of_leaves), _put_back(after, before, treedef, kept)

    return Aligned(treedef.unflatten(shown), params, finish)


def _kept(grads: Sequence[Any], treedef: Any, at: Sequence[Any] | None, state: Any) -> dict[int, Any]:
    """By number of a leaf without a gradient whose state is there: zeros that stand for the gradient.

    They are like the parameter, or without one like the largest array of the leaf's state, as nearly always is right.
    """
    entries = [jax.tree.leaves(node, is_leaf=is_none) for node in _nodes(state, treedef)[0] if _like(node, treedef)]
    known = {i: [e[i] for e in entries if e[i] is not None] for i, g in enumerate(grads) if g is None}
    return {
        i: jnp.zeros_like(max(arrays, key=jnp.size) if at is None else at[i]) for i, arrays in known.items() if arrays
    }


def _put_back(after: Any, before: Any, treedef: Any, kept: dict[int, Any]) -> Any:
    """A state in which the leaves kept are as before."""
    if not kept:
        return after
    nodes, outline = _nodes(before, treedef)

    def put_back(new: Any, old: Any) -> Any:
        if not _like(old, treedef):
            return new
        pairs = zip(jax.tree.leaves(new, is_leaf=is_none), jax.tree.leaves(old, is_leaf=is_none), strict=True)
        return treedef.unflatten([y if i in kept else x for i, (x, y) in enumerate(pairs)])

    return outline.unflatten(map(put_back, outline.flatten_up_to(after), nodes))


def _nodes(state: Any, treedef: Any) -> tuple[list[Any], Any]:
    """The subtrees of a state that have an entry, maybe None, for each leaf, and all leaves beside them."""
    return jax.tree.flatten(state, is_leaf=lambda node: _like(node, treedef))


def _like(node: Any, treedef: Any) -> bool:
    return node is not None and jax.tree.structure(node, is_leaf=is_none) == treedef


def _still(g: Any) -> Any:
    """The update of a leaf that is not moved: 0 (False where it can have no gradient), or None without one."""
    if g is None:
        return None
    return jnp.zeros_like(g, dtype=bool if dtype_of(g) == jax.dtypes.float0 else None)


def _check_shapes(updates: Any, grads: Sequence[Any], at: Sequence[Any]) -> None:
    for i, (g, p) in enumerate(zip(grads, at, strict=True)):
        if g is None or p is None:
            continue
        shape, expected = shape_of(g), shape_of(p)
        if expected is None and not jax.tree_util.all_leaves([p]):
            treedef: Any = jax.tree.structure(updates, is_leaf=is_none)
            raise _other_tree(updates, treedef.unflatten(at))
        if shape != expected and shape is not None and expected is not None:
            raise ValueError(f"{_named(updates, i)} has the shape {shape}, but its parameter {expected}.")


def _check_kinds(updates: Any, grads: Sequence[Any], at: Sequence[Any] | None) -> None:
    for i, g in enumerate(grads):
        if g is None or is_moved(g) or dtype_of(g) == jax.dtypes.float0 or (at is not None and not is_moved(at[i])):
            continue
        known = "unless its parameter is not: pass params" if at is None else f"like its parameter, {dtype_of(at[i])}"
        raise TypeError(f"{_named(updates, i)} is {dtype_of(g)}, but must be floating-point or complex {known}.")


def is_moved(x: Any) -> bool:
    """Whether an optimizer moves a leaf: a floating-point or complex number or array, or what may stand for one."""
    if x is None or isinstance(x, int):
        return False
    dtype = getattr(x, "dtype", None)
    return dtype is None or _is_inexact(dtype)


@functools.cache
def _is_inexact(dtype: Any) -> bool:
    return jnp.issubdtype(dtype, jnp.inexact)


def shape_of(x: Any) -> Any:
    """The shape of a leaf; None for what has none."""
    return () if isinstance(x, (int, float, complex)) else getattr(x, "shape", None)


def _named(updates: Any, number: int) -> str:
    """The gradient of a leaf, in words."""
    path, _ = jax.tree.leaves_with_path(updates, is_leaf=is_none)[number]
    return f"the gradient {jax.tree_util.keystr(path)}".strip()


def _other_tree(updates: Any, params: Any) -> ValueError:
    where = difference(updates, params, ("gradients", "parameters"))
    return ValueError(f"gradients and parameters are trees that differ: {where}.")
