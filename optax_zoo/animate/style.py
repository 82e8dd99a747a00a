"""How optimizers are told apart: a colour that the colour-blind can tell (Okabe and Ito), a marker and a line style."""

from typing import Any, NamedTuple

import numpy as np

from optax_zoo.animate.paths import Path

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#222222", "#e69f00", "#56b4e9")
MARKERS = ("o", "s", "^", "D")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)))


class Style(NamedTuple):
    """The look of one optimizer in all pictures."""

    colour: str
    marker: str
    dash: Any


def style(number: int) -> Style:
    """The look of an optimizer by number: 28 differ in colour or in both marker and dash, 112 in one of the three."""
    variant = number // len(COLOURS)
    dash = (variant + variant // len(MARKERS)) % len(DASHES)
    return Style(COLOURS[number % len(COLOURS)], MARKERS[variant % len(MARKERS)], DASHES[dash])


def label(path: Path) -> str:
    """Name and rate."""
    return f"{path.optimizer}  {path.rate:.3g}"


def fill(dot: Any, colour: str, outside: bool) -> None:
    """A full marker, or a hollow one for a point outside the box."""
    dot.set(markerfacecolor="white" if outside else colour, markeredgecolor=colour if outside else "white")


def last_finite(points: np.ndarray) -> np.ndarray:
    """Points of shape (steps, n), each that is not finite replaced by the last that was."""
    finite = np.isfinite(points).all(axis=1)
    return points[np.maximum.accumulate(np.where(finite, np.arange(len(points)), 0))]
