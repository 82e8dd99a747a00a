"""What is said where a step fails: which slot, which leaf, and whether its state was made for something else."""

import functools
from typing import Any

import jax
import jax.numpy as jnp

from optax_zoo import alignment, by_leaf
from optax_zoo.primitives.trees import difference

CURE = "Make one with tx.init(params), or carry the old one over with optax_zoo.migrate(state, tx, params)"


def of_slots(row: Any, state: Any) -> Exception:
    """What is said of a state that has other slots than an optimizer, as one from other hyperparameters has."""
    if not isinstance(state, dict):
        kind = type(state).__name__
        return TypeError(f"state is of type {kind}, but must be the dict by slot that tx.init(params) makes.")
    missing = ", ".join(slot for slot in row.slots if slot not in state)  # in the order of the slots
    extra = ", ".join(slot for slot in state if slot not in row.slots)
    if missing:
        what = f"has nothing for the slot {missing}, which is filled here"
    elif extra:
        what = f"has a slot {extra}, which is not filled here"
    else:
        what = "has no count in the slot learning_rate, which holds a schedule here"
    return ValueError(f"the state {what}: it was made by other hyperparameters. {CURE}.")


def explain(error: Exception, row: Any, aligned: alignment.Aligned, state: Any, extra_args: Any) -> Exception | None:
    """An error that says what is the matter with the state of a slot; else adds to an error the leaf it occurred at."""
    params = aligned.updates if aligned.params is None else aligned.params
    for slot in row.parts:
        try:
            expected = jax.eval_shape(functools.partial(row.init_slot, slot), params)
        except Exception:
            continue
        fault = _fault_of_state(expected, state[slot], aligned.updates)
        if fault:
            return ValueError(f"the state of the slot {slot!r} {fault}.")
    if row.by_leaf:
        step = functools.partial(row.through_parts, **extra_args)
        path = by_leaf.first_failure(step, aligned.updates, state, aligned.params)
        if path:
            error.add_note(f"It was at the leaf {path}.")
    return None


def _fault_of_state(expected: Any, state: Any, updates: Any) -> str | None:
    """How the state of a slot differs from what its part makes of these gradients, if it does."""
    if by_leaf.structure(expected) == by_leaf.structure(state):
        return _other_shape(expected, state)
    structure = by_leaf.structure(updates)
    if any(by_leaf.structure(entry) == structure for entry in by_leaf.entries(state, structure)[0]):
        return f"was made by other hyperparameters. {CURE}"
    names = ("state of these gradients", "state that was given")
    return f"is of another tree than the gradients: {difference(expected, state, names)}"


def _other_shape(expected: Any, state: Any) -> str | None:
    for (path, leaf), made in zip(jax.tree.leaves_with_path(state), jax.tree.leaves(expected), strict=True):
        if jnp.shape(leaf) != made.shape:
            found = f"{jax.tree_util.keystr(path)} has {jnp.shape(leaf)}"
            return f"is of parameters of another shape: {found}, these gradients need {made.shape}"
    return None
