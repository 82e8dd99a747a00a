"""Carrying a state over to an optimizer with other hyperparameters."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from optax_zoo.primitives.precision import in_dtype

_NEW = object()


def migrate(state: Any, tx: optax.GradientTransformation, params: Any, *, count: int = 0) -> Any:
    """The state of another optimizer, carried over to `tx` as far as it has a place there.

    For training that goes on with other hyperparameters: a decay or a momentum that was 0, a schedule in place of a
    number, a part swapped. What has the same name in both states (the slot, then the fields) is taken over, cast to the
    new dtype; what is new starts as `tx.init` has it; what no longer has a place is left out. States of `optax.chain`
    are carried over member by member; the `hyperparams` of `optax.inject_hyperparams` are those of `tx`.

    Args:
      state: the state of the other optimizer, of the same parameters.
      tx: the optimizer to go on with.
      params: the parameters.
      count: steps taken, where counters that are new start: 0 lets a new schedule begin at its start.

    Returns:
      A state of `tx`.

    Raises:
      ValueError: for an array of the same name and another shape, with its path.

    Example:
      >>> import jax.numpy as jnp, optax, optax_zoo as zoo
      >>> params = jnp.ones(3)
      >>> state = zoo.adam(1e-3).init(params)
      >>> tx = zoo.adam(optax.linear_schedule(1e-3, 0.0, 100), weight_decay=1e-2)
      >>> int(zoo.migrate(state, tx, params, count=20)["learning_rate"].count)
      20
    """
    return _carried(state, tx.init(params), count, ())


def _carried(old: Any, new: Any, count: int, path: tuple[str, ...]) -> Any:
    if isinstance(new, dict):
        return {key: _carried(_member(old, key), value, count, (*path, str(key))) for key, value in new.items()}
    if isinstance(new, tuple) and hasattr(new, "_fields"):
        kept = ("hyperparams", "hyperparams_states")
        values = {
            name: value if name in kept else _carried(_member(old, name), value, count, (*path, name))
            for name, value in zip(new._fields, new, strict=True)
        }
        return type(new)(**values)
    if isinstance(new, (tuple, list)):
        olds = old if isinstance(old, (tuple, list)) and len(old) == len(new) else [_NEW] * len(new)
        return type(new)(
            _carried(one, value, count, (*path, str(number)))
            for number, (one, value) in enumerate(zip(olds, new, strict=True))
        )
    if not jax.tree_util.all_leaves([new]):
        return jax.tree.map(lambda one, value: _leaf(one, value, count, path), old, new) if old is not _NEW else new
    return _leaf(old, new, count, path)


def _member(old: Any, name: Any) -> Any:
    if isinstance(old, dict):
        return old.get(name, _NEW)
    return getattr(old, name) if name in getattr(old, "_fields", ()) else _NEW


def _leaf(old: Any, new: Any, count: int, path: tuple[str, ...]) -> Any:
    if old is _NEW or old is None or new is None or not jax.tree_util.all_leaves([old]):
        is_count = path[-1:] == ("count",) and jnp.issubdtype(new.dtype, jnp.integer)
        return jnp.full_like(new, count) if is_count else new
    if jnp.shape(old) != jnp.shape(new):
        place = ".".join(path)
        raise ValueError(f"the state has an array of shape {jnp.shape(old)} at {place}, but needs {jnp.shape(new)}.")
    return in_dtype(jnp.asarray(old), new.dtype)
