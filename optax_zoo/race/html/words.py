"""Numbers and names as a reader sees them."""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from optax_zoo.race.terminal import formats

MISSING = "–"  # noqa: RUF001


def number(value: float | None, places: int = 4) -> str:
    """A figure with some decimal places, or a dash for one that is missing."""
    if value is None or not math.isfinite(value):
        return MISSING
    return _signed(formats.number(value, places))


def rate(value: float | None) -> str:
    """A learning rate in three digits."""
    return MISSING if value is None else f"{value:.3g}"


def interval(ends: Sequence[float], places: int = 4) -> str:
    """An interval in brackets."""
    return f"[{number(ends[0], places)}, {number(ends[1], places)}]"


def probability(value: float) -> str:
    """A p-value, which is never 0."""
    text = "p < 0.001" if value < 1e-3 else f"p = {value:.2g}"
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def short_number(value: float) -> str:
    """A number with two decimal places, if they are not 0."""
    return f"{value:.2f}".removesuffix(".00")


def listed(names: Iterable[str]) -> str:
    """Names in a sentence: "a", "a and b", "a, b and c"."""
    *first, last = [*names] or ["none"]
    return f"{', '.join(first)} and {last}" if first else last


def count(amount: int, noun: str) -> str:
    """An amount with its noun, whose plural has an s."""
    return f"{amount:,} {noun}{'' if amount == 1 else 's'}".replace(",", "\N{NO-BREAK SPACE}")


def short(text: str, most: int = 22) -> str:
    """Text of a limited length."""
    return text if len(text) <= most else text[: most - 1] + "…"


def distinct(names: Iterable[str], most: int = 22) -> dict[str, str]:
    """Each name at a limited length: those that would look alike lose their common beginning or get a number."""
    shown = {name: short(name, most) for name in names}
    for _ in range(2):
        for text, alike in _alike(shown):
            start = _first_different_word(alike)
            shown.update({name: short(f"…{name[start:]}" if start else text, most) for name in alike})
    for text, alike in _alike(shown):
        cut = most - len(f" ({len(alike)})")
        shown.update({name: f"{short(text, cut)} ({number})" for number, name in enumerate(alike, 1)})
    return shown


def _first_different_word(names: Sequence[str]) -> int:
    """Where the first word begins that differs between names."""
    same = next(place for place, signs in enumerate(itertools.zip_longest(*names)) if len(set(signs)) > 1)
    return max(names[0].rfind(sign, 0, same) for sign in " [") + 1


def _alike(shown: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    """Texts that stand for several names, with these."""
    by_text: dict[str, list[str]] = {}
    for name, text in shown.items():
        by_text.setdefault(text, []).append(name)
    return [(text, names) for text, names in by_text.items() if len(names) > 1]


def some(names: Sequence[str], most: int = 12) -> str:
    """Names in a sentence, the first of many."""
    if len(names) <= most + 1:
        return listed(names)
    return listed([*names[:most], f"{len(names) - most} others"])


def rounded(values: Iterable[float | None] | np.ndarray, digits: int = 5) -> list[float | None]:
    """Numbers for a figure, with few digits; None for NaN and infinity."""
    return [None if x is None or not math.isfinite(x) else float(f"{x:.{digits}g}") for x in values]


def _signed(text: str) -> str:
    """With a true minus sign."""
    return "\N{MINUS SIGN}" + text[1:] if text.startswith("-") else text
