"""Texts that stand for several optimizers, and the families that these belong to."""

import difflib
import fnmatch
from collections.abc import Iterable

from optax_zoo import registry, spelling
from optax_zoo.record import OWN
from optax_zoo.running.errors import RaceError

ALL, FAMILY, OPTAX = "all", "family:", "optax"
SELECTORS = "family:NAME, a pattern such as adam* or optax.contrib.*, or all"
BASELINES = ("optax.adam", "optax.sgd", "optax.rmsprop")


def family_of(name: str) -> str:
    """The family that an optimizer is shown under: that of the registry, "optax", or "own"."""
    if name in registry.ALGORITHMS:
        return registry.describe(name).family
    return OPTAX if name.startswith(("optax.", "optax:")) else OWN


def is_selector(text: object) -> bool:
    """Whether a text stands for several optimizers."""
    return isinstance(text, str) and (text == ALL or text.startswith(FAMILY) or _is_pattern(text))


def selected(text: str) -> list[str]:
    """The names that a selector stands for.

    Raises:
      RaceError: for an unknown family, and for a pattern that nothing matches.
    """
    if text == ALL:
        return [*registry.list_algorithms(), *BASELINES]
    if text.startswith(FAMILY):
        return _of_family(text.removeprefix(FAMILY).strip().lower())
    known = [*registry.list_algorithms(), *spelling.optax_names()]
    found = [name for name in known if fnmatch.fnmatchcase(name.lower(), text.lower())]
    if not found:
        raise RaceError(f"optimizer is {text!r}, but no name matches this pattern.")
    return found


def in_full(texts: Iterable[object]) -> list[object]:
    """Entrants with each selector replaced by what it stands for and is not there yet."""
    texts = list(texts)
    given = [text for text in texts if not is_selector(text)]
    seen = {each[0] if isinstance(each, tuple) and each else each for each in given if isinstance(each, str | tuple)}
    found: list[object] = []
    for text in texts:
        names = selected(text) if isinstance(text, str) and is_selector(text) else None
        found += [text] if names is None else [name for name in names if name not in seen]
        seen.update(names or ())
    return found


def _is_pattern(text: str) -> bool:
    return ":" not in text and any(sign in text for sign in "*?")


def _of_family(family: str) -> list[str]:
    if family == OPTAX:
        return list(spelling.optax_names())
    names = registry.list_algorithms(lambda each: each.family == family)
    if names:
        return names
    known = [*registry.families(), OPTAX]
    near = difflib.get_close_matches(family, known, n=1)
    hint = f" Did you mean {FAMILY + near[0]!r}?" if near else ""
    raise RaceError(
        f"optimizer is {FAMILY + family!r}, but there is no such family; families are {', '.join(known)}.{hint}"
    )
