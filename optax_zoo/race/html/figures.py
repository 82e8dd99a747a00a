"""A figure of the report: what Plotly draws, the same in words, and the numbers behind it."""

import copy
import dataclasses
import json
from collections.abc import Mapping, Sequence, Sized
from typing import Any

from markupsafe import Markup

from optax_zoo.race.html import palette
from optax_zoo.race.html.palette import Look
from optax_zoo.race.html.tables import Table

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
AXIS: dict[str, Any] = dict(
    gridcolor=palette.GRID,
    linecolor=palette.MUTED,
    tickfont=dict(size=12),
    zeroline=False,
    ticks="outside",
    ticklen=4,
    tickcolor=palette.GRID,
    automargin=True,
    title=dict(standoff=8, font=dict(size=13, color=palette.MUTED)),
)


BANDS = 3


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure of the report.

    Attributes:
      id: of its element.
      caption: what it shows and how to read it.
      alternative: the same with its key numbers, for those who do not see it.
      traces: what is drawn; the entry `meta` of a trace is made by `belongs`.
      layout: how.
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

    @property
    def specification(self) -> dict[str, Any]:
        """What the page's script hands to Plotly, checked by Plotly's own validators."""
        import plotly.graph_objects as go

        checked = go.Figure(data=list(self.traces), layout=layout(**self.layout), skip_invalid=False)
        go.Layout(_nested(self.narrow))
        described = json.loads(checked.to_json())
        described["layout"].pop("template", None)
        return {
            "data": described["data"],
            "layout": {**described["layout"], "height": self.height},
            "narrow": {**self.narrow, "height": self.narrow_height},
            "motion": self.motion,
            "pictures": self.pictures,
        }


def layout(**changes: Any) -> dict[str, Any]:
    """The layout that all figures share, with changes; axes are given by what differs from `AXIS`."""
    axes = {name: AXIS | dict(change) for name, change in changes.items() if name[1:].startswith("axis")}
    for axis in axes.values():
        if isinstance(axis["title"], str):
            axis["title"] = AXIS["title"] | dict(text=axis["title"])
    shared = dict(
        font=dict(family=FONT, size=13, color=palette.INK),
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin=dict(l=56, r=12, t=12, b=48),
        showlegend=False,
        hovermode="closest",
        hoverlabel=dict(bgcolor=palette.GROUND, bordercolor=palette.MUTED, font=dict(color=palette.INK), namelength=-1),
        dragmode="zoom",
        uirevision="keep",
    )
    return copy.deepcopy({**shared, **changes, **axes})


def belongs(look: Look, added: bool = False) -> dict[str, Any]:
    """Which optimizer a trace belongs to, and whether it is drawn only if the reader asks for it."""
    return dict(optimizer=look.number, added=added)


def band(look: Look, x: Sequence[Any], low: Sequence[Any], high: Sequence[Any]) -> dict[str, Any]:
    """The area between two lines; of the first few optimizers, of others if the reader asks for it."""
    return dict(
        type="scatter",
        mode="lines",
        x=[*x, *x[::-1]],
        y=[*low, *high[::-1]],
        fill="toself",
        fillcolor=look.tint,
        line=dict(width=0, color=look.colour),
        hoverinfo="skip",
        meta=belongs(look, look.number >= BANDS),
    )


def which_bands(shown: Sized) -> str:
    """What a caption says about the bands."""
    return f" (at first that of the best {BANDS})" if len(shown) > BANDS else ""


def line(look: Look, **changes: Any) -> dict[str, Any]:
    """A line of an optimizer, to be completed."""
    return dict(
        type="scatter",
        mode="lines",
        name=look.name,
        meta=belongs(look),
        line=dict(color=look.colour, dash=look.dash, width=2),
        **changes,
    )


def _nested(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Changes such as `{"xaxis.domain": ...}` as a layout has them."""
    nested: dict[str, Any] = {}
    for path, value in changes.items():
        *parents, last = path.split(".")
        place = nested
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    return nested
