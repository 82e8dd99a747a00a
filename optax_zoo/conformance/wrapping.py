"""What the checks inside optax's wrappers share: few eager steps, parts of trees, numbers in the state."""

import inspect
from typing import Any

import jax
import optax

from optax_zoo.conformance import trees
from optax_zoo.conformance.assertions import Skip
from optax_zoo.conformance.subject import Subject


def gradients(steps: int = trees.STEPS) -> list[Any]:
    """The gradients of a few steps."""
    return [trees.gradients(trees.parameters(), step) for step in range(steps)]


def only(names: list[str], tree: Any) -> dict[str, Any]:
    """Some of the leaves."""
    return {name: tree[name] for name in names}


def train(subject: Subject, tx: Any, params: Any, grads: list[Any]) -> tuple[list[Any], Any]:
    """The updates of each step and the last state; not compiled as one, which would take longer than to run them."""
    state, made = tx.init(params), []
    for g in grads:
        updates, state = subject.update(tx, params, state, g)
        params = optax.apply_updates(params, updates)
        made.append(updates)
    return made, state


def rate_of(subject: Subject) -> float:
    """The learning rate by default; skips a check of those that have none."""
    if not subject.takes("learning_rate"):
        raise Skip("the factory takes no learning_rate")
    if subject.rate is None:
        raise Skip("the factory's default learning_rate is not a number")
    return subject.rate


def injected(subject: Subject, **options: Any) -> Any:
    """The transformation with all its numbers of type float in its state."""
    rate_of(subject)
    parameters = inspect.signature(subject.make).parameters
    numbers = {name: p.default for name, p in parameters.items() if isinstance(p.default, float)}
    numbers["learning_rate"] = float(rate_of(subject))

    def make(**hyperparameters: Any) -> Any:
        return subject.make(**hyperparameters)

    keyword = inspect.Parameter.KEYWORD_ONLY
    signature = inspect.Signature([inspect.Parameter(name, keyword) for name in numbers])
    make.__signature__ = signature  # type: ignore[attr-defined]
    return optax.inject_hyperparams(make, **options)(**numbers)


def refuse_trees_of_extras(subject: Subject, wrapper: str) -> None:
    """Skips a check in a wrapper that hands extra arguments on which are trees of all parameters."""
    params = trees.parameters()
    given = subject.given(params, trees.gradients(params))
    whole = [name for name, value in given.items() if callable(value) or len(jax.tree.leaves(value)) != 1]
    if whole:
        raise Skip(f"{wrapper} passes {', '.join(whole)} on for all parameters, whatever the group")
