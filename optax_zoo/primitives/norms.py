"""Norms by name, and the two transformations that divide or clip by one."""

import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import lift, like
from optax_zoo.primitives.reductions import Reduction, broadcast_axis_names
from optax_zoo.primitives.statistics import absolute, identity, square
from optax_zoo.primitives.types import Scalar, Scope

Norm = Callable[[Any], jax.Array]


def _l1(over: Reduction) -> jax.Array:
    return over.sum(absolute)


def _l2(over: Reduction) -> jax.Array:
    return jnp.sqrt(over.sum(square))


def _l1_l2(over: Reduction) -> jax.Array:
    return (_l1(over) + _l2(over)) / 2


def _avg_l1(over: Reduction) -> jax.Array:
    return over.mean(absolute)


def _avg_l2(over: Reduction) -> jax.Array:
    return jnp.sqrt(over.mean(square))


def _avg_l1_l2(over: Reduction) -> jax.Array:
    return (_avg_l1(over) + _avg_l2(over)) / 2


def _max(over: Reduction) -> jax.Array:
    return over.max(absolute)


def _min_max(over: Reduction) -> jax.Array:
    return (over.max(absolute) + over.min(_modulus)) / 2


def _modulus(x: jax.Array) -> jax.Array:
    # |x| in other words: XLA would keep an array of |x| that two reductions share.
    return absolute(x) if jnp.iscomplexobj(x) else jnp.maximum(x, -x)


def _std(over: Reduction) -> jax.Array:
    mean = over.mean(identity)
    return jnp.sqrt(over.mean(lambda x: square(x - mean)))


_NORMS: dict[str, Norm] = {
    "l1": _l1,
    "l2": _l2,
    "l1_l2": _l1_l2,
    "avg_l1": _avg_l1,
    "avg_l2": _avg_l2,
    "avg_l1_l2": _avg_l1_l2,
    "max": _max,
    "min_max": _min_max,
    "std": _std,
}
_ALIASES = {"linf": "max"}


def list_norms() -> list[str]:
    """Names of all registered norms."""
    return list(_NORMS)


def register_norm(name: str, fn: Norm, *, replace: bool = False) -> None:
    """Registers a norm of the user's own under a name, for `normalize_by_norm` and `clip_by_norm`.

    Args:
      name: a name that is not taken.
      fn: a function whose one parameter is called `over`, written with `over.sum`, `over.mean`, `over.max` and
        `over.min` of elementwise functions (it then works per leaf, over the whole tree and over mesh axes):
        `lambda over: over.sum(lambda x: jnp.abs(x) ** 3) ** (1 / 3)`. Or any function of one array (it then works
        per leaf only). Either returns the norm, a scalar.
      replace: whether a norm of that name may be registered already and gives way, as where a notebook's cell runs
        again.

    Raises:
      ValueError: if the name is taken, and `replace` is not set; an alias always is.
      TypeError: if the name is not a str or fn is not callable.
    """
    if not isinstance(name, str) or not callable(fn):
        raise TypeError(f"register_norm needs a name and a function, but got {name!r} and {fn!r}.")
    if name in _ALIASES or (name in _NORMS and not replace):
        raise ValueError(
            f"name is {name!r}, but that norm is registered already; choose another name, or pass replace=True."
        )
    _NORMS[name] = fn


@primitive
def normalize_by_norm(norm: str, *, eps: Scalar = 1e-7, scope: Scope = "leaf", axis_name: Any = None) -> Rule:
    """Divides updates by a norm of theirs: g / (norm(g) + eps).

    Args:
      norm: a registered name: l1, l2, l1_l2, avg_l1, avg_l2, avg_l1_l2, max (alias linf), min_max, std, or one of
        the user's own (`register_norm`).
      eps: added to the norm.
      scope: "leaf": one norm a leaf. "tree": one norm of all leaves together.
      axis_name: under `jax.shard_map` or `jax.pmap` with sharded leaves, the mesh axes they are sharded over: a name,
        a tuple of names, or a pytree prefix of those and None (for replicated leaves).

    Returns:
      A stateless transformation.

    Raises:
      ValueError: if the norm is unknown, cannot be taken over what is asked for, or does not return a scalar.
    """
    _checks.non_negative("eps", eps)
    measure = _measure(norm, scope, axis_name)

    def update(updates: Any, state: optax.EmptyState, params: Any = None, **extra_args: Any) -> Any:
        def normalize(x: Any, size: jax.Array) -> jax.Array:
            return like(lift(x) / (size + eps), x)

        return jax.tree.map(normalize, updates, measure(updates)), state

    return Rule(optax.init_empty_state, update, by_leaf=scope == "leaf" and axis_name is None)


@primitive
def clip_by_norm(
    norm: str, max_norm: Scalar, *, eps: Scalar = 1e-7, scope: Scope = "leaf", axis_name: Any = None
) -> Rule:
    """Scales updates down to a largest norm: g max_norm / (norm(g) + eps) where norm(g) + eps >= max_norm, else g.

    Args:
      norm: a registered name, see `normalize_by_norm`.
      max_norm: the largest norm that is left alone, above 0.
      eps: added to the norm.
      scope: "leaf": one norm a leaf. "tree": one norm of all leaves together.
      axis_name: mesh axes that leaves are sharded over, see `normalize_by_norm`.

    Returns:
      A stateless transformation.

    Raises:
      ValueError: if the norm is unknown, cannot be taken over what is asked for, or does not return a scalar.
    """
    _checks.positive("max_norm", max_norm)
    _checks.non_negative("eps", eps)
    measure = _measure(norm, scope, axis_name)

    def update(updates: Any, state: optax.EmptyState, params: Any = None, **extra_args: Any) -> Any:
        def clip(x: Any, size: jax.Array) -> jax.Array:
            size = size + eps
            return like(lift(x) * jnp.where(size >= max_norm, max_norm / size, 1), x)

        return jax.tree.map(clip, updates, measure(updates)), state

    return Rule(optax.init_empty_state, update, by_leaf=scope == "leaf" and axis_name is None)


def _measure(norm: str, scope: str, axis_name: Any) -> Callable[[Any], Any]:
    """A function from a tree to the tree of the norms that its leaves are measured by."""
    _checks.one_of("norm", norm, [*_NORMS, *_ALIASES])
    _checks.one_of("scope", scope, ["leaf", "tree"])
    fn = _NORMS[_ALIASES.get(norm, norm)]
    over_reduction = list(inspect.signature(fn).parameters) == ["over"]
    if not over_reduction and (scope == "tree" or axis_name is not None):
        raise ValueError(
            f"norm {norm!r} is a function of one array, so it cannot be taken over the whole tree or mesh axes; "
            "register one whose parameter is called `over` and which uses over.sum, over.mean, over.max, over.min."
        )

    def size_of(arrays: list[jax.Array], axis_names: list[Any]) -> jax.Array:
        size = fn(Reduction(arrays, axis_names)) if over_reduction else fn(arrays[0])
        if jnp.shape(size) != ():
            raise ValueError(f"norm {norm!r} returned shape {jnp.shape(size)}, but must return the norm, a scalar.")
        return size

    def measure(tree: Any) -> Any:
        leaves, treedef = jax.tree.flatten(jax.tree.map(lift, tree))
        names = broadcast_axis_names(axis_name, tree)
        if scope == "tree":
            sizes = [size_of(leaves, names)] * len(leaves) if leaves else []
        else:
            sizes = [size_of([leaf], [name]) for leaf, name in zip(leaves, names, strict=True)]
        return jax.tree.unflatten(treedef, sizes)

    return measure
