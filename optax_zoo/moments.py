"""Averages read out of states, whatever is wrapped around them."""

from typing import Any

import jax

_SLOTS = {"m": "numerator", "v": "denominator"}
_FIELDS = ("value", "total", "ema", "trace")  # that hold an average; the last two in states of optax


def moment(state: Any, name: str) -> Any:
    """The average that a slot keeps, as it is stored: not divided by its weight, without a root or an eps.

    Args:
      state: of a pipeline, or one that has a pipeline's in it: of `optax.chain`, `optax.inject_hyperparams`,
        `optax.MultiSteps` and the like.
      name: of the slot, "numerator" or "m", "denominator" or "v", "momentum" and so on; where the slot keeps several
        averages, with the name of one after a dot: "numerator.change".

    Returns:
      A tree like the parameters.

    Raises:
      ValueError: if the state has no such average, or several.

    Example:
      >>> import jax.numpy as jnp, optax, optax_zoo as zoo
      >>> tx = optax.chain(optax.clip_by_global_norm(1.0), zoo.adam(1e-3))
      >>> state = tx.init({"w": jnp.zeros(3)})
      >>> zoo.moment(state, "v")
      {'w': Array([0., 0., 0.], dtype=float32)}
    """
    slot, _, member = name.partition(".")
    slot = _SLOTS.get(slot, slot)
    found = [each for each in _flat(state, slot) if isinstance(each, dict)]
    if len(found) != 1:
        raise ValueError(f"name is {name!r}, but the state has {len(found) or 'no'} pipelines with the slot {slot!r}.")
    return average_of(found[0][slot], slot, member)


def average_of(state: Any, slot: str, member: str = "") -> Any:
    """The average in the state of a slot, or that of one of its members."""
    averages = _averages(state)
    fitting = [name for name in averages if f"{name}.".startswith(f"{member}." * bool(member))]
    if len(fitting) == 1:
        return averages[fitting[0]]
    there = ", ".join(repr(f"{slot}.{name}" if name else slot) for name in averages) or "none"
    asked = f"{slot}.{member}" if member else slot
    raise ValueError(f"{asked!r} is not the name of one average; the state has {there}.")


def weight_of(state: Any) -> Any:
    """What the average in the state of a slot has been divided by: the sum of its weights, 1 if it is not debiased."""
    weight = getattr(state, "weight", None)  # of `scaled` by an estimator, the state of that
    if hasattr(weight, "dtype"):
        return weight
    return weight_of(state.estimator) if hasattr(state, "estimator") else 1


def _flat(state: Any, slot: str) -> list[Any]:
    return jax.tree.leaves(state, is_leaf=lambda node: isinstance(node, dict) and slot in node)


def _averages(state: Any) -> dict[str, Any]:
    """The averages in the state of a part by the names of the members of it that they belong to."""
    fields = getattr(state, "_fields", ())
    for field in _FIELDS:
        if field in fields:
            return {"": getattr(state, field)}
    if "estimator" in fields:
        return _averages(state.estimator)
    members = state if isinstance(state, dict) else {field: getattr(state, field) for field in fields}
    return {
        f"{name}.{inner}".removesuffix("."): average
        for name, member in members.items()
        for inner, average in _averages(member).items()
    }
