"""Putting parts together: several in one slot, or none."""

from collections.abc import Callable
from typing import Any, TypeVar

import optax

from optax_zoo import _checks
from optax_zoo.primitives.part import Rule, all_by_leaf, needs_of, primitive, update_of

_Made = TypeVar("_Made")


@primitive
def serial(**parts: optax.GradientTransformation) -> Rule:
    """Transformations one after another, by name, as one: `serial(decay=coupled_decay(0.01), trace=trace(0.9))`.

    Args:
      **parts: transformations, applied in the order given.

    Returns:
      A transformation whose state is a dict by name.
    """
    updates_of = {name: update_of(part) for name, part in parts.items()}

    def init(params: Any) -> dict[str, Any]:
        return {name: part.init(params) for name, part in parts.items()}

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        after = {}
        for name, update_part in updates_of.items():
            updates, after[name] = update_part(updates, state[name], params, **extra_args)
        return updates, after

    return Rule(init, update, needs_of(*parts.values()), by_leaf=all_by_leaf(*parts.values()))


def in_series(**parts: optax.GradientTransformation | None) -> optax.GradientTransformation | None:
    """`serial` of the parts that are not None; a single one stands alone, none are None (an empty slot)."""
    filled = {name: part for name, part in parts.items() if part is not None}
    return serial(**filled) if len(filled) > 1 else next(iter(filled.values()), None)


def optional(make: Callable[..., _Made], value: Any, *args: Any, **kwargs: Any) -> _Made | None:
    """`make(value, *args, **kwargs)`, or None (an empty slot) where `value` is None or a Python 0."""
    return None if _checks.is_absent(value) else make(value, *args, **kwargs)
