"""How optimizers are told apart: a colour that the colour-blind can tell (Okabe and Ito), a marker and a line style."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from optax_zoo.animate.paths import Path

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#222222", "#e69f00", "#56b4e9")
MARKERS = ("o", "s", "^", "D")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)))


class Style(NamedTuple):
    """The look of one optimizer in all pictures, and the place of its name; None for one of the others, in grey."""

    colour: str
    marker: str
    dash: Any
    place: int | None = None

    @property
    def lines(self) -> dict[str, Any]:
        """What Matplotlib draws its lines with."""
        thin = self.place is None
        return dict(color=self.colour, linestyle=self.dash, linewidth=0.6 if thin else 1.6, alpha=0.6 if thin else 0.9)

    @property
    def marks(self) -> dict[str, Any]:
        """What Matplotlib draws its points with."""
        size = 3 if self.place is None else 7
        return dict(color=self.colour, marker=self.marker, markersize=size, markeredgecolor="white")


OTHERS = Style("#9a9a9a", "o", "-")


def styled(paths: Sequence[Path], named: Sequence[Path]) -> list[tuple[Path, Style]]:
    """The look of each path; those that are not named come first, so that the others are drawn over them."""
    names = [path.optimizer for path in named]
    others = [(path, OTHERS) for path in paths if path.optimizer not in names]
    return [*others, *((path, style(place)._replace(place=place)) for place, path in enumerate(named))]


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
