"""How optimizers are told apart: a colour, a kind of line and a marker, in light and dark.

The hues are those of Okabe and Ito, which the colour-blind can tell; they are darker on white and lighter on black, so
that every line has a contrast of at least 3 to its ground.
"""

from collections.abc import Iterable
from typing import NamedTuple

LIGHT = ("#005fa3", "#c44d00", "#00825d", "#b4588f", "#222222", "#b87a00", "#3392cf")
DARK = ("#4f9df0", "#ff7f45", "#2fc79b", "#e69ac5", "#f0f0f0", "#edb030", "#9fd9ff")
DASHES = (("solid", ""), ("dash", "7 3"), ("dot", "2 2.5"), ("dashdot", "8 3 2 3"))
MARKERS = (
    ("circle", "M24 7m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0"),
    ("square", "M20.3 3.3h7.4v7.4h-7.4z"),
    ("triangle-up", "M24 2.2l4.7 8.4h-9.4z"),
    ("diamond", "M24 2l5 5l-5 5l-5-5z"),
)
OPACITY = 0.22

INK, MUTED, GRID, GROUND, OTHERS, BAD = "#1b1f24", "#565e68", "#e3e6ea", "#ffffff", "#c3c8ce", "#b3261e"
SCHEME = {
    INK: "#e8eaed",
    MUTED: "#a9b1bb",
    GRID: "#2c323a",
    GROUND: "#14171b",
    OTHERS: "#4a525c",
    BAD: "#ff8a80",
    **dict(zip(LIGHT, DARK, strict=True)),
}


class Look(NamedTuple):
    """The look of one optimizer in all figures.

    Attributes:
      number: of the optimizer, the best first.
      name: of the optimizer.
      hue: index of its colour.
      colour: on a light ground.
      tint: the colour of its band.
      dash: of its lines, as Plotly calls it.
      dashes: the same as SVG's `stroke-dasharray`.
      symbol: its marker, as Plotly calls it.
      shape: the same as an SVG path.
    """

    number: int
    name: str
    hue: int
    colour: str
    tint: str
    dash: str
    dashes: str
    symbol: str
    shape: str


def looks(names: Iterable[str]) -> dict[str, Look]:
    """The look of each name: neighbours differ in colour, line and marker, and no two of 28 agree in both."""
    return {name: _look(number, name) for number, name in enumerate(names)}


def tint(colour: str) -> str:
    """A colour of six hexadecimal digits, made transparent."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{OPACITY})"


def scheme() -> dict[str, str]:
    """Every colour of the figures on a light ground, and what it is on a dark one."""
    return {**SCHEME, **{tint(light): tint(dark) for light, dark in zip(LIGHT, DARK, strict=True)}}


def _look(number: int, name: str) -> Look:
    hue, variant = number % len(LIGHT), number % len(DASHES)
    colour = LIGHT[hue]
    return Look(number, name, hue, colour, tint(colour), *DASHES[variant], *MARKERS[variant])
