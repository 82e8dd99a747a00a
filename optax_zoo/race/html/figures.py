"""A figure of the report: what is drawn, the same in words, and the numbers behind it."""

import copy
import dataclasses
from collections.abc import Iterable, Mapping, Sequence, Sized
from typing import Any

from markupsafe import Markup

from optax_zoo.race.html import palette
from optax_zoo.race.html.palette import Look
from optax_zoo.race.html.tables import Table

AXIS: dict[str, Any] = dict(gridcolor=palette.GRID, title=dict(font=dict(color=palette.MUTED)))
BANDS = 3


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure of the report.

    Attributes:
      id: of its element.
      caption: what it shows and how to read it.
      alternative: the same with its key numbers, for those who do not see it.
      traces: what is drawn, as `assets/charts.js` understands it; the entry `meta` of a trace is made by `belongs`.
      layout: how.
      shared: values that several traces have as `x`, by the name that these give instead.
      of: another figure, of whose lines those of one optimizer are shown in front of all others.
      optimizer: the number of this optimizer.
      band: what is drawn around its line besides: `low` and `high` by point, and a `tint`.
      height: in pixels.
      narrow: what of the layout differs on a narrow screen.
      narrow_height: the height there.
      legend: the optimizers that can be shown and hidden.
      bands: whether there are bands that the reader may add, because at first only the best have one.
      table: the numbers.
      motion: of an animation, the traces that move, with all of their points.
      pictures: data URIs on a light and on a dark page, by the name that the layout has for them.
    """

    id: str
    caption: str | Markup
    alternative: str
    traces: Sequence[Mapping[str, Any]]
    layout: Mapping[str, Any]
    height: int = 420
    narrow: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    narrow_height: int = 380
    legend: Sequence[Look] = ()
    bands: bool = False
    table: Table | None = None
    motion: Mapping[str, Any] | None = None
    pictures: Mapping[str, tuple[str, str]] = dataclasses.field(default_factory=dict)
    shared: Mapping[str, Sequence[Any]] = dataclasses.field(default_factory=dict)
    of: str = ""
    optimizer: int | None = None
    band: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def specification(self) -> dict[str, Any]:
        """What the page's script draws."""
        given = dict(self.layout) if self.of else layout(**self.layout)
        kept = {
            "data": list(self.traces),
            "layout": {**given, "height": self.height},
            "narrow": {**self.narrow, "height": self.narrow_height},
            "pictures": self.pictures,
            "motion": self.motion,
            "shared": self.shared,
            "of": self.of and f"{self.of}-data",
            "optimizer": self.optimizer,
            "band": self.band,
        }
        return {name: value for name, value in kept.items() if value or value == 0}


def layout(**changes: Any) -> dict[str, Any]:
    """The layout that all figures share, with changes; axes are given by what differs from `AXIS`."""
    axes = {name: AXIS | dict(change) for name, change in changes.items() if name[1:].startswith("axis")}
    for axis in axes.values():
        if isinstance(axis["title"], str):
            axis["title"] = AXIS["title"] | dict(text=axis["title"])
    return copy.deepcopy({"font": dict(color=palette.INK), **changes, **axes})


def belongs(look: Look, added: bool = False) -> dict[str, Any]:
    """Which optimizer a trace belongs to, whether it is one of the others, and has its band if the reader asks."""
    others = {} if look.stands_out else {"others": True}
    return dict(optimizer=look.number, **({"added": True} if added else {}), **others)


def banded(look: Look, low: Sequence[Any], high: Sequence[Any]) -> dict[str, Any]:
    """What gives a line its band; of the first few optimizers, of others if the reader asks for it."""
    return dict(low=low, high=high, tint=look.tint, meta=belongs(look, look.number >= BANDS))


def which_bands(shown: Sized) -> str:
    """What a caption says about the bands."""
    return f" (at first that of the best {BANDS})" if len(shown) > BANDS else ""


def which_lines(looks: Iterable[Look]) -> str:
    """What a caption says about the lines that stand out, where not all do."""
    if not any(look.many for look in looks):
        return ""
    return (
        " The best and the best of each family are named and in the colour of their family, all others are grey: point "
        "at a line to see which it is, or filter above to bring some out."
    )


def line(look: Look, **changes: Any) -> dict[str, Any]:
    """A line of an optimizer, to be completed."""
    return (
        dict(
            mode="lines",
            name=look.name,
            meta=belongs(look),
            line=dict(color=look.colour, dash=look.dash, width=2),
            **({"end": look.label} if look.many else {}),
        )
        | changes
    )


def ends(looks: Iterable[Look]) -> dict[str, bool]:
    """What of a layout makes names stand at the ends of lines."""
    return dict(ends=any(look.many for look in looks))
