"""The paths of the raced optimizers on functions of two numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from optax_zoo.animate.landscapes import Landscape
from optax_zoo.animate.paths import RATES, Path
from optax_zoo.animate.style import last_finite
from optax_zoo.race.html import dots, palette, words
from optax_zoo.race.html.backdrop import DARK, LIGHT, backdrop
from optax_zoo.race.html.descents import Descents, descend
from optax_zoo.race.html.figures import Figure, belongs, layout, line
from optax_zoo.race.html.palette import Look
from optax_zoo.race.html.tables import Table, data_table
from optax_zoo.race.results import Result

PANELS = (("", [0, 0.475]), ("2", [0.525, 1]))


def figure(results: Sequence[Result], looks: Mapping[str, Look]) -> Figure | None:
    """The animation of all optimizers that can run; None if there is none."""
    descents, unable = descend(results, looks)
    if not descents[0].paths:
        return None
    traces = [mark for each, (axes, _) in zip(descents, PANELS, strict=True) for mark in _marks(each.landscape, axes)]
    fixed = len(traces)
    moving = []
    for each, (axes, _) in zip(descents, PANELS, strict=True):
        for path in each.paths:
            moving.append(_points(path, each.landscape))
            traces += _trail(path, looks[path.optimizer], axes, moving[-1])
    return Figure(
        id="trajectories",
        caption=_caption(descents, unable),
        alternative=_alternative(descents),
        traces=traces,
        layout=_layout(descents),
        height=470,
        narrow={
            "xaxis.domain": [0, 1],
            "xaxis2.domain": [0, 1],
            "yaxis.domain": [0.57, 1],
            "yaxis2.domain": [0, 0.43],
        },
        narrow_height=720,
        legend=[looks[path.optimizer] for path in descents[0].paths],
        table=_table(descents),
        motion={"first": fixed, "points": moving, "steps": len(moving[0]["x"]) - 1},
        pictures={
            each.landscape.name: (backdrop(each.landscape, LIGHT), backdrop(each.landscape, DARK)) for each in descents
        },
    )


def _marks(landscape: Landscape, axes: str) -> list[dict[str, Any]]:
    shared = dict(type="scatter", mode="markers", hoverinfo="text", xaxis=f"x{axes}", yaxis=f"y{axes}")
    ink = dict(size=11, color=palette.INK)
    start: dict[str, Any] = dict(shared, x=[landscape.start[0]], y=[landscape.start[1]], text="start")
    start["marker"] = dict(ink, symbol="x-thin", line=dict(width=2, color=palette.INK))
    minima: dict[str, Any] = dict(
        shared, x=[x for x, _ in landscape.minima], y=[y for _, y in landscape.minima], text="minimum"
    )
    minima["marker"] = dict(ink, symbol="star", size=14, color=palette.GROUND, line=dict(width=1.5, color=palette.INK))
    return [start, minima]


def _points(path: Path, landscape: Landscape) -> dict[str, list[float | None]]:
    """The points of a path, up to where it leaves the picture."""
    low, high = landscape.bounds
    far = 0.5 * (high - low)
    x, y = np.clip(last_finite(path.points), low - far, high + far).T
    return {"x": words.rounded(x, 4), "y": words.rounded(y, 4)}


def _trail(path: Path, look: Look, axes: str, points: Mapping[str, Any]) -> list[dict[str, Any]]:
    place = dict(xaxis=f"x{axes}", yaxis=f"y{axes}")
    text = f"{words.plain(path.optimizer)}<br>rate {words.rate(path.rate)}"
    trail = line(look, x=points["x"], y=points["y"], hoverinfo="text", text=text, opacity=0.9, **place)
    head = dict(
        type="scatter",
        mode="markers",
        x=points["x"][-1:],
        y=points["y"][-1:],
        hoverinfo="text",
        text=text,
        meta=belongs(look),
        marker=dict(color=look.colour, symbol=look.symbol, size=11, line=dict(width=1.5, color=palette.GROUND)),
        **place,
    )
    return [trail, head]


def _layout(descents: Sequence[Descents]) -> dict[str, Any]:
    axes: dict[str, Any] = {}
    notes, images = [], []
    for each, (number, domain) in zip(descents, PANELS, strict=True):
        (x0, y0), (x1, y1) = each.landscape.bounds
        bare = dict(showgrid=False, fixedrange=True, nticks=5)
        axes[f"xaxis{number}"] = dict(bare, range=[x0, x1], domain=domain, anchor=f"y{number}")
        axes[f"yaxis{number}"] = dict(bare, range=[y0, y1], anchor=f"x{number}")
        images.append(_stretched(each.landscape.name, number))
        notes.append(dots.title(each.landscape.name.capitalize(), number))
    return layout(annotations=notes, images=images, dragmode=False, margin=dict(l=34, r=12, t=30, b=30), **axes)


def _stretched(name: str, axes: str) -> dict[str, Any]:
    place = dict(xref=f"x{axes} domain", yref=f"y{axes} domain", x=0, y=1, sizex=1, sizey=1)
    return dict(place, source=name, sizing="stretch", layer="below")


def _caption(descents: Sequence[Descents], unable: Sequence[str]) -> Markup:
    rates = [
        Markup("{} on {}").format(
            ", ".join(f"{path.optimizer} {words.rate(path.rate)}" for path in each.paths),
            each.landscape.name.capitalize(),
        )
        for each in descents
    ]
    left_out = Markup(" Not shown: {}, which cannot be run here.").format(words.listed(unable)) if unable else ""
    return Markup(
        "{} steps from the cross; the star is the minimum. Each takes the rate of one grid ({} to {}) at which the "
        "mean of the function over the steps is lowest, and its defaults otherwise: these rates are not those of the "
        "race. "
        "Rates: {}.{}"
    ).format(
        descents[0].landscape.steps, words.rate(RATES[0]), words.rate(RATES[-1]), Markup("; ").join(rates), left_out
    )


def _table(descents: Sequence[Descents]) -> Table:
    names = [path.optimizer for path in descents[0].paths]
    headings, columns = ["optimizer"], [names]
    for each in descents:
        headings += [f"{each.landscape.name}: rate", f"{each.landscape.name}: at the end"]
        columns += [
            [words.rate(path.rate) for path in each.paths],
            [_end(path) for path in each.paths],
        ]
    return data_table("Rates, and the values of the functions at the end", headings, columns)


def _end(path: Path) -> str:
    return f"{path.losses[-1]:.3g}" if np.isfinite(path.losses[-1]) else "diverged"


def _alternative(descents: Sequence[Descents]) -> str:
    parts = []
    for each in descents:
        ends = "; ".join(f"{path.optimizer} {_end(path)} at rate {words.rate(path.rate)}" for path in each.paths)
        parts.append(f"On {each.landscape.name.capitalize()} the function ends at: {ends}")
    return f"Animation of the paths of the optimizers on two functions of two numbers. {'. '.join(parts)}."
