"""How much of a long table is printed, and what is said of the rest."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from optax_zoo.running.selectors import family_of

_Row = TypeVar("_Row")

TOP = 20  # rows
MOST_NAMES = 12  # in a sentence
SEE_ALL = "--top 0 prints all, and report.html has them"


def cut(rows: Sequence[_Row], top: int) -> Sequence[_Row]:
    """The first rows; all if there are no more than `top`, or if that is 0."""
    return rows[:top] if top else rows


def some(names: Sequence[str], most: int = MOST_NAMES) -> str:
    """Names in a sentence, the first of many."""
    if len(names) <= most + 1:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} others"


def best_of_families(names: Sequence[str]) -> str:
    """The best optimizer of each family and its place, in a sentence.

    Args:
      names: of optimizers, the best first.
    """
    best: dict[str, str] = {}
    for place, name in enumerate(names, 1):
        family = family_of(name)
        best.setdefault(family, f"{family} {name} ({place})")
    return f"Best of each family: {', '.join(best.values())}."


def not_shown(count: int, what: str = "of lower rank", see: str = SEE_ALL) -> Iterable[str]:
    """The line under a table that says that there are more rows; none if there are not."""
    if count:
        yield f"Not shown: {count} {what}; {see}."
