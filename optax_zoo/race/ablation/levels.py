"""The base of an ablation, and the parts that its slots are given."""

import functools
import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks, spelling
from optax_zoo.pipeline import SLOTS, Pipeline
from optax_zoo.primitives.expressions import expression
from optax_zoo.primitives.learning_rate import already_applied, is_rate, plain_rate
from optax_zoo.race.ablation.effects import BASE, Changes
from optax_zoo.race.ablation.slot_expressions import NONE, SlotExpression, prints_completely
from optax_zoo.running.entrants import Factory
from optax_zoo.running.errors import RaceError

LONGEST_LABEL = 28
EXAMPLES = {  # a part for each slot, for messages
    "gradient": 'clip_by_norm("l2", 1)',
    "basis": "eigenbasis()",
    "numerator": "ema(0.5)",
    "denominator": "root(total(of=square))",
    "bound": "converging_bound(base_learning_rate=learning_rate)",
    "momentum": "trace(0.9)",
    "rescale": "optax.scale_by_sign()",
    "learning_rate": "already_applied(learning_rate)",
    "velocity": "trace(0.5)",
    "decay": "decoupled_decay(0.001)",
    "iterate": "lookahead_steps()",
}

Base = str | Pipeline | Callable[[Any], Pipeline]


def base_of(base: Base) -> tuple[str, Callable[[Any], Pipeline]]:
    """The name of the base, and the function from learning rate to it.

    Raises:
      RaceError: if it is not a base.
    """
    if isinstance(base, str):
        try:
            found = spelling.read(base, "base")
            found.refuse_what_has_no_rate()
        except ValueError as error:
            raise RaceError(str(error)) from error.__cause__
        return base, found.at_rate
    if isinstance(base, Pipeline):
        return BASE, _at_rate(base)
    if callable(base):
        name = getattr(base, "__name__", BASE)
        return name if name.isidentifier() else BASE, base
    raise RaceError(f"base is {base!r}, but must be a name, a Pipeline or a function from learning rate to Pipeline.")


def _at_rate(tx: Pipeline) -> Callable[[Any], Pipeline]:
    """A pipeline with another learning rate in place of its own."""
    rate = tx.slots.get("learning_rate")
    if rate is None or not is_rate(rate) or callable(plain_rate(rate)):
        raise RaceError(
            f"base has {rate!r} for a learning rate, but must have a number, which the race replaces; otherwise "
            "give a function from learning rate to Pipeline."
        )
    return lambda new: tx.replace(learning_rate=already_applied(new) if isinstance(rate, already_applied) else new)


def levels_of(name: str, at_rate: Callable[[Any], Any], slots: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """By slot, the part (or function from learning rate to part) of each level by label, the base's first.

    Raises:
      RaceError: for an unknown slot, no slot, and what cannot be a level.
    """
    if not slots:
        raise RaceError(f"no slot is given; the slots are {', '.join(SLOTS)}.")
    own = _traced(name, at_rate)
    if not isinstance(own, Pipeline):
        raise RaceError(
            f"base {name} makes a {type(own).__name__}, which has no slots, but must make a Pipeline: name a "
            "registered algorithm (see optax-zoo list) or a module:function that makes one, or give such a function or "
            "a Pipeline."
        )
    levels = {}
    for slot, given in slots.items():
        try:
            _checks.one_of("slot", slot, SLOTS)
        except ValueError as error:
            raise RaceError(str(error)) from None
        labelled = _labelled(name, slot, given, own)
        for label, part in labelled.items():
            _check_level(slot, label, part)
        levels[slot] = {BASE: functools.partial(_own, at_rate, slot), **labelled}
    return levels


def _own(at_rate: Callable[[Any], Pipeline], slot: str, rate: Any) -> Any:
    return at_rate(rate).slots.get(slot)


def _labelled(name: str, slot: str, given: Any, base: Pipeline) -> dict[str, Any]:
    """The levels of one slot by label."""
    if isinstance(given, Mapping):
        labelled = dict(given)
        for label in labelled:
            if not isinstance(label, str) or not label.strip() or label == BASE:
                raise RaceError(f"slot {slot} has the label {label!r}, but needs a text other than '' and '{BASE}'.")
    elif isinstance(given, Iterable) and not isinstance(given, str | optax.GradientTransformation):
        labelled = {}
        for part in given:
            labelled[short_label(part, labelled)] = part
    else:
        raise RaceError(f"slot {slot} is {given!r}, but must be a mapping from label to part or a sequence of parts.")
    if not labelled:
        raise RaceError(f"slot {slot} has no level besides the base's own part.")
    for place, part in enumerate(labelled.values()):
        _check_new(slot, part, [*labelled.values()][:place])
        _check_not_own(name, slot, part, base)
    return labelled


def _check_new(slot: str, part: Any, others: Iterable[Any]) -> None:
    if any(_same(part, other) for other in others):
        raise RaceError(f"slot {slot} is given {_text(_plain(part))} twice.")


def _check_not_own(name: str, slot: str, part: Any, base: Pipeline) -> None:
    """Refuses the base's own part, and says what could be tried in its place."""
    if not _same(part, base.slots.get(slot)):
        return
    filled = [each for each in SLOTS if base.slots.get(each) is not None]
    can_empty = slot if slot in filled else next((each for each in reversed(filled) if each != "learning_rate"), None)
    emptied = f"as in --slot {can_empty}={NONE} (in Python {can_empty}=[None])"
    if slot in filled:
        own = f"{_text(_plain(part))} in {name} already, which is always a level"
        said = f"{own}: empty it, {emptied}, or put another part"
    else:
        empty = f"empty one of these, {emptied}, or " if can_empty else ""
        said = f"empty in {name} already; {name} fills {', '.join(filled)}: {empty}put a part"
    raise RaceError(f"slot {slot} is {said} into {slot}, as in --slot '{slot}={EXAMPLES[slot]}'.")


def _same(part: Any, other: Any) -> bool:
    """Whether two parts are the same, as far as their text tells."""
    made = _plain(part)
    return prints_completely(made) and _text(made) == _text(_plain(other))


def _plain(level: Any) -> Any:
    return level(1.0) if isinstance(level, SlotExpression) and not level.needs_rate else level


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
    """What a function makes of an unknown learning rate: whatever depends on it prints as <traced>.

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
