"""Which optimizer of a route each leaf of a tree goes to, and how the parts there see it."""

import dataclasses
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np
import optax

from optax_zoo.pipeline import Pipeline
from optax_zoo.primitives.part import Part
from optax_zoo.primitives.paths import named
from optax_zoo.route import Route

_DIGITS = re.compile(r"(\d+)")


@dataclasses.dataclass(frozen=True)
class Placement:
    """Where a leaf goes.

    Attributes:
      side: of a route, "side/side" of routes within each other; "" where there is none.
      why: it is there, in words.
      seen: how parts see the leaf, in words; none of parts that treat all leaves alike.
    """

    side: str = ""
    why: str = ""
    seen: tuple[str, ...] = ()

    def __add__(self, other: "Placement") -> "Placement":
        """Of one part, and of another that the leaf passes."""
        seen = tuple(dict.fromkeys((*self.seen, *other.seen)))
        return Placement(self.side or other.side, self.why or other.why, seen)

    def under(self, side: str, why: str) -> "Placement":
        """The same, on a side of a route around it."""
        inner = self.side and f"/{self.side}"
        return Placement(side + inner, f"{why}, {self.why}" if self.why else why, self.seen)


@dataclasses.dataclass(frozen=True)
class Line:
    """Leaves that are alike, and named alike but for numbers."""

    path: str
    count: int
    shape: tuple[int, ...]
    placement: Placement
    rates: tuple[float, float] | None = None  # the smallest and the largest factor of the rate, if there are such


def placements(tx: optax.GradientTransformation, tree: Any) -> list[Placement]:
    """Where each leaf of a tree goes.

    Raises:
      ValueError: if a rule does not fit a leaf.
    """
    count = len(jax.tree.leaves(tree))
    if isinstance(tx, Route):
        return _of_sides(tx, tree)
    found = [Placement()] * count
    for part in parts_of(tx):
        found = [one + other for one, other in zip(found, placements(part, tree), strict=True)]
    if isinstance(tx, Part) and tx.rule.seen is not None:
        found = [one + Placement(seen=(text,)) for one, text in zip(found, tx.rule.seen(tree), strict=True)]
    return found


def parts_of(tx: optax.GradientTransformation) -> Iterator[Part]:
    """The parts that one is made of; none that can be known of transformations from elsewhere."""
    inside = tx.slots.values() if isinstance(tx, (Pipeline, Route)) else tx.rule.inside if isinstance(tx, Part) else ()
    return (part for part in inside if isinstance(part, Part))


def sees_leaves(tx: optax.GradientTransformation) -> bool:
    """Whether it, or a part of it, does not treat all leaves alike."""
    own = isinstance(tx, Route) or (isinstance(tx, Part) and tx.rule.seen is not None)
    return own or any(map(sees_leaves, parts_of(tx)))


def _of_sides(tx: Route, tree: Any) -> list[Placement]:
    leaves, treedef = jax.tree.flatten(tree)
    reasons = tx.reasons(tree)
    found = [Placement()] * len(leaves)
    for name, side in tx.slots.items():
        numbers = [number for number, (own, _) in enumerate(reasons) if own == name]
        kept = set(numbers)
        only = jax.tree.unflatten(treedef, [leaf if number in kept else None for number, leaf in enumerate(leaves)])
        for number, inner in zip(numbers, placements(side, only), strict=True):
            found[number] = inner.under(name, reasons[number][1])
    return found


def folded(tree: Any, placed: Sequence[Placement], rates: Sequence[Any] | None = None) -> list[Line]:
    """The leaves of a tree in lines: those are one that are alike, and whose paths differ in numbers or one key.

    Args:
      tree: the tree.
      placed: where each leaf goes.
      rates: the factor of the rate of each leaf, or those of its layers; None for none.
    """
    groups: dict[Any, list[tuple[list[str], Any]]] = {}
    factors = [None] * len(placed) if rates is None else rates
    for (path, leaf), placement, rate in zip(jax.tree.leaves_with_path(tree), placed, factors, strict=True):
        text, *rest = _DIGITS.split(named(path))
        between, numbers = rest[1::2], rest[::2]
        groups.setdefault((text, *between, leaf.shape, placement), []).append((numbers, rate))
    lines = []
    for (*texts, shape, placement), members in groups.items():
        numbers_of, found = zip(*members, strict=True)
        extent = None if rates is None else (float(min(map(np.min, found))), float(max(map(np.max, found))))
        lines.append(Line(_joined(texts, numbers_of), len(members), shape, placement, extent))
    for level in range(1, max((line.path.count("/") + 2 for line in lines), default=1)):
        lines = _of_siblings(lines, level)
    return lines


def _of_siblings(lines: Sequence[Line], level: int) -> list[Line]:
    """Lines that differ only in the key that is so many levels above the leaves, together: "{key,query}/kernel"."""
    groups: dict[Any, list[Line]] = {}
    for number, line in enumerate(lines):
        keys = line.path.split("/")
        alone = len(keys) < level or "{" in line.path
        around = (number,) if alone else (*keys[:-level], "", *keys[len(keys) - level + 1 :])
        groups.setdefault((around, dataclasses.replace(line, path="")), []).append(line)
    return [_together(found, level) for found in groups.values()]


def _together(lines: Sequence[Line], level: int) -> Line:
    if len(lines) == 1:
        return lines[0]
    first, *_ = paths = [line.path.split("/") for line in lines]
    first[-level] = f"{{{','.join(keys[-level] for keys in paths)}}}"
    return dataclasses.replace(lines[0], path="/".join(first), count=sum(line.count for line in lines))


def _joined(texts: Sequence[str], numbers: Sequence[Sequence[str]]) -> str:
    """Paths that have the same texts around their numbers as one: "block0..11/kernel"."""
    ranges = [_range(list(dict.fromkeys(each))) for each in zip(*numbers, strict=True)]
    return "".join(itertools.chain.from_iterable(itertools.zip_longest(texts, ranges, fillvalue="")))


def _range(numbers: list[str]) -> str:
    """Numbers as they are written: "3", "0..11", or "0,2,5"."""
    found = sorted(numbers, key=int)
    follow = int(found[-1]) - int(found[0]) + 1 == len(found)
    return f"{found[0]}..{found[-1]}" if follow and len(found) > 1 else ",".join(found)
