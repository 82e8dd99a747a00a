"""Dots with their intervals, a line for each optimizer."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from optax_zoo.race.html import palette, words
from optax_zoo.race.html.palette import Look

Estimate = tuple[float, float, float]
Estimates = Mapping[str, Estimate | None]
Limits = tuple[float, float] | None
LINE = 26
MOST = 40  # dots in a figure


def which(shown: int, of: int) -> str:
    """What a caption says where not all are shown."""
    return f" The best {shown} of {of}; the others are in the table below." if shown < of else ""


def limits(estimates: Estimates) -> Limits:
    """The range in which the better ones differ; those far below are named at the edge. None without estimates."""
    known = np.asarray([each for each in estimates.values() if each is not None])
    if not len(known):
        return None
    high, quarter = known[:, 2].max(), np.quantile(known[:, 0], 0.25)
    floor = quarter - 2 * max(high - quarter, 1e-9)
    low = known[known[:, 0] >= floor][:, 1].min()
    margin = 0.06 * (high - low) or 0.01
    return float(low - margin), float(high + margin)


def points(
    estimates: Estimates, looks: Mapping[str, Look], within: Limits, axes: str = "", hollow: bool = False
) -> list[dict[str, Any]]:
    """A trace for each estimate; those below the limits are left to `notes`."""
    shown = [
        (place, looks[name], estimate)
        for place, (name, estimate) in enumerate(estimates.items())
        if estimate is not None and not _below(estimate, within)
    ]
    return [_point(place, look, estimate, axes, hollow) for place, look, estimate in shown]


def notes(estimates: Estimates, missing: Callable[[str], str], within: Limits, axes: str = "") -> list[dict[str, Any]]:
    """What is shown where there is no point."""
    said = []
    for place, (name, estimate) in enumerate(estimates.items()):
        if estimate is None:
            said.append(_note(missing(name), place, axes))
        elif _below(estimate, within):
            said.append(_note(f"◂ {words.number(estimate[0])}", place, axes))
    return said


def names(estimates: Estimates) -> dict[str, Any]:
    """The axis of the names, the first on top."""
    return dict(
        tickvals=list(range(len(estimates))),
        ticktext=list(words.distinct(estimates).values()),
        range=[len(estimates) - 0.4, -0.6],
    )


def title(text: str, axes: str) -> dict[str, Any]:
    """The title of a panel."""
    place = dict(xref=f"x{axes} domain", yref=f"y{axes} domain", x=0, y=1, yshift=22, xanchor="left")
    return dict(place, text=text, bold=True)


def _below(estimate: Estimate, within: Limits) -> bool:
    return within is not None and estimate[0] < within[0]


def _note(text: str, place: int, axes: str) -> dict[str, Any]:
    where = dict(xref=f"x{axes} domain", yref=f"y{axes}", x=0.01, y=place, xanchor="left")
    return dict(where, text=text, font=dict(size=12, color=palette.MUTED), bgcolor=palette.GROUND)


def _point(place: int, look: Look, estimate: Estimate, axes: str, hollow: bool) -> dict[str, Any]:
    middle, low, high = estimate
    return dict(
        mode="markers",
        x=words.rounded([middle], 6),
        y=[place],
        error_x=dict(
            array=words.rounded([high - middle]), arrayminus=words.rounded([middle - low]), width=4, thickness=2
        ),
        marker=dict(
            color=look.colour,
            symbol=look.symbol + ("-open" if hollow else ""),
            size=9,
            line=dict(width=2, color=look.colour),
        ),
        xaxis=f"x{axes}",
        yaxis=f"y{axes}",
        text=f"{look.name}\n{words.number(middle)} {words.interval((low, high))}",
    )
