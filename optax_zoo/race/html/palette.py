"""How optimizers are told apart: a colour, a kind of line and a marker, in light and dark.

The hues are those of Okabe and Ito, which the colour-blind can tell; they are darker on white and lighter on black, so
that every line has a contrast of at least 3 to its ground.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from optax_zoo.race.html.words import distinct
from optax_zoo.running.selectors import family_of

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


LETTERS = 34  # of a label
MANY = 12  # optimizers; of more, only some stand out, in the colours of their families
TOP, LEAST = 3, 10  # that stand out whatever their family, and that stand out in all if there are few families


class Look(NamedTuple):
    """The look of one optimizer in all figures.

    Attributes:
      number: of the optimizer, the best first.
      name: of the optimizer.
      family: of the optimizer.
      stands_out: whether it is drawn in its colour from the beginning, and not only when the reader looks for it.
      many: whether there are so many that others do not stand out.
      hue: index of its colour.
      colour: on a light ground.
      tint: the colour of its band.
      dash: of its lines.
      dashes: the same as SVG's `stroke-dasharray`.
      symbol: its marker.
      shape: the same as an SVG path.
      label: what is written at the end of its line, where there are many.
    """

    number: int
    name: str
    family: str
    stands_out: bool
    many: bool
    hue: int
    colour: str
    tint: str
    dash: str
    dashes: str
    symbol: str
    shape: str
    label: str = ""


def looks(names: Iterable[str], family: Callable[[str], str] = family_of) -> dict[str, Look]:
    """The look of each name, the best first.

    Up to a dozen have a colour each: neighbours differ in colour, line and marker, and no two of 28 agree in both. Of
    more, the colour is that of the family, of which fourteen differ in colour or line and marker, unless there are but
    two, and those stand out that are among the best or the best of a family.
    """
    names = list(names)
    if len(names) <= MANY:
        return {
            name: _look(number, name, family(name), True, False, number, number) for number, name in enumerate(names)
        }
    families = list(dict.fromkeys(map(family, names)))
    top = max(TOP, LEAST - len(families))
    labels = distinct(names, LETTERS)
    members: dict[str, int] = dict.fromkeys(families, 0)
    found = {}
    for number, name in enumerate(names):
        group = family(name)
        place, member = families.index(group), members[group]
        members[group] += 1
        stands_out = number < top or (member == 0 and place < MANY)
        hue, variant = (place, 2 * (place // len(LIGHT)) + member % 2) if len(families) > 2 else (number, number)
        found[name] = _look(number, name, group, stands_out, True, hue, variant)._replace(label=labels[name])
    return found


def tint(colour: str) -> str:
    """A colour of six hexadecimal digits, made transparent."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{OPACITY})"


def scheme() -> dict[str, str]:
    """Every colour of the figures on a light ground, and what it is on a dark one; "others" is that of the others."""
    return {**SCHEME, **{tint(light): tint(dark) for light, dark in zip(LIGHT, DARK, strict=True)}, "others": OTHERS}


def _look(number: int, name: str, family: str, stands_out: bool, many: bool, hue: int, variant: int) -> Look:
    hue, variant = hue % len(LIGHT), variant % len(DASHES)
    colour = LIGHT[hue]
    return Look(number, name, family, stands_out, many, hue, colour, tint(colour), *DASHES[variant], *MARKERS[variant])
