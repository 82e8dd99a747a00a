"""The base of an ablation, and the parts that its slots are given."""

import functools
import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.pipeline import SLOTS, Pipeline
from optax_zoo.primitives.learning_rate import handed, is_rate, plain_rate
from optax_zoo.primitives.part import expression
from optax_zoo.race.ablation.effects import BASE, Changes
from optax_zoo.race.ablation.slot_expressions import NONE, SlotExpression, prints_completely
from optax_zoo.race.entrants import Factory
from optax_zoo.race.errors import RaceError
from optax_zoo.registry import describe

LONGEST_LABEL = 28

Base = str | Pipeline | Callable[[Any], Pipeline]


def base_of(base: Base) -> tuple[str, Callable[[Any], Pipeline]]:
    """The name of the base, and the function from learning rate to it.

    Raises:
      RaceError: if it is none.
    """
    if isinstance(base, str):
        try:
            return base, describe(base).at_rate
        except ValueError as error:
            raise RaceError(f"base {error}") from None
    if isinstance(base, Pipeline):
        return BASE, _at_rate(base)
    if callable(base):
        name = getattr(base, "__name__", BASE)
        return name if name.isidentifier() else BASE, base
    raise RaceError(f"base is {base!r}, but must be a name, a Pipeline or a function from learning rate to Pipeline.")


def _at_rate(tx: Pipeline) -> Callable[[Any], Pipeline]:
    """A pipeline with another learning rate in the place of its own."""
    rate = tx.slots.get("learning_rate")
    if rate is None or not is_rate(rate) or callable(plain_rate(rate)):
        raise RaceError(
            f"base has {rate!r} for a learning rate, but must have a number, which the race replaces; else give a "
            "function from learning rate to Pipeline."
        )
    return lambda new: tx.replace(learning_rate=handed(new) if isinstance(rate, handed) else new)


def levels_of(name: str, at_rate: Callable[[Any], Any], slots: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """By slot, the part (or function from learning rate to part) of each level by label, the base's first.

    Raises:
      RaceError: for an unknown slot, no slot, and what cannot be a level.
    """
    if not slots:
        raise RaceError(f"no slot is given; the slots are {', '.join(SLOTS)}.")
    own = _traced(name, at_rate)
    if not isinstance(own, Pipeline):
        raise RaceError(f"base {name} makes {own!r}, but must make a Pipeline, which has slots.")
    levels = {}
    for slot, given in slots.items():
        try:
            _checks.one_of("slot", slot, SLOTS)
        except ValueError as error:
            raise RaceError(str(error)) from None
        labelled = _labelled(slot, given, own.slots.get(slot))
        for label, part in labelled.items():
            _check_level(slot, label, part)
        levels[slot] = {BASE: functools.partial(_own, at_rate, slot), **labelled}
    return levels


def _own(at_rate: Callable[[Any], Pipeline], slot: str, rate: Any) -> Any:
    return at_rate(rate).slots.get(slot)


def _labelled(slot: str, given: Any, own: Any) -> dict[str, Any]:
    """The levels of one slot by label."""
    if isinstance(given, Mapping):
        labelled = dict(given)
        for label in labelled:
            if not isinstance(label, str) or not label.strip() or label == BASE:
                raise RaceError(f"slot {slot} has the label {label!r}, but needs a text other than '' and '{BASE}'.")
    elif isinstance(given, Iterable) and not isinstance(given, str | optax.GradientTransformation):
        labelled = {}
        for part in given:
            _check_new(slot, part, [own, *labelled.values()])
            labelled[short_label(part, labelled)] = part
    else:
        raise RaceError(f"slot {slot} is {given!r}, but must be a mapping from label to part or a sequence of parts.")
    if not labelled:
        raise RaceError(f"slot {slot} has no level beside the base's own part.")
    return labelled


def _check_new(slot: str, part: Any, others: Iterable[Any]) -> None:
    """Refuses a part that is there already, as far as can be told from what it prints as."""

    def plain(level: Any) -> Any:
        return level(1.0) if isinstance(level, SlotExpression) and not level.needs_rate else level

    made = plain(part)
    if prints_completely(made) and any(_text(made) == _text(plain(other)) for other in others):
        text = "empty" if made is None else _text(made)
        raise RaceError(f"slot {slot} is {text} twice; the base's own part is a level already.")


def short_label(part: Any, taken: Iterable[str]) -> str:
    """What a part prints as, cut to `LONGEST_LABEL` characters, with a number where that is taken."""
    text = _text(part)
    short = text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1] + "…"
    numbered = (short if number == 1 else f"{short} ({number})" for number in itertools.count(1))
    return next(label for label in numbered if label not in taken)


def _check_level(slot: str, label: str, part: Any) -> None:
    """Refuses what cannot stand in a slot, and a learning rate that does not follow the race's."""
    follows = callable(part) and not (isinstance(part, SlotExpression) and not part.needs_rate)
    if slot == "learning_rate" and not follows:
        raise RaceError(
            f"slot learning_rate has the level {label!r}, but the race sets the rate: give a function of it "
            "(on the command line an expression with learning_rate)."
        )
    if not (part is None or callable(part) or isinstance(part, optax.GradientTransformation)):
        raise RaceError(
            f"slot {slot} has {part!r}, but must have a part, None or a function from learning rate to one."
        )


def factory_of(at_rate: Callable[[Any], Pipeline], parts: Mapping[str, Mapping[str, Any]], levels: Changes) -> Factory:
    """The base with the parts of these levels, as a function of the learning rate."""
    changed = {slot: parts[slot][label] for slot, label in levels.items() if label != BASE}

    def make(rate: Any) -> Pipeline:
        return at_rate(rate).replace(**{slot: _at(part, rate) for slot, part in changed.items()})

    return make


def _at(part: Any, rate: Any) -> Any:
    return part(rate) if callable(part) else part


def _traced(name: str, factory: Callable[[Any], Any]) -> Any:
    """What a function makes of a learning rate that is not known: what depends on it prints as <traced>.

    Raises:
      RaceError: if it fails.
    """
    made = []
    try:
        jax.eval_shape(lambda rate: made.append(factory(rate)), jax.ShapeDtypeStruct((), jnp.float32))
    except (TypeError, ValueError, AttributeError) as error:
        raise RaceError(f"{name} cannot be made: {' '.join(str(error).split())}") from error
    return made[0]


def composition_of(name: str, factory: Callable[[Any], Any]) -> str:
    return _text(_traced(name, factory))


def _text(part: Any) -> str:
    """What a part prints as, without addresses."""
    if isinstance(part, SlotExpression):
        return part.text
    return NONE if part is None else expression(part, "part").replace("<traced>", "learning_rate")


def shown_of(at_rate: Callable[[Any], Pipeline], parts: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """What each level prints as, by slot and label; a slot expression as it was written."""
    shown: dict[str, dict[str, str]] = {}
    for slot, levels in parts.items():
        shown[slot] = {}
        for label, part in levels.items():
            known = isinstance(part, SlotExpression)
            shown[slot][label] = _text(part if known else _traced(f"{slot}={label}", functools.partial(_at, part)))
    return shown
