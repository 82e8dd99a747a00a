"""The ranking of a race: each optimizer tuned and at its defaults."""

from collections.abc import Mapping
from typing import Any

from optax_zoo.race.analysis import views
from optax_zoo.race.html import dots, words
from optax_zoo.race.html.dots import Estimates
from optax_zoo.race.html.figures import Figure, layout
from optax_zoo.race.html.palette import Look
from optax_zoo.race.results import Result


def figure(result: Result, looks: Mapping[str, Look], prefix: str) -> Figure:
    """The ranking of one race, the best on top."""
    tuned = {row.optimizer: views.tuned(row) for row in result.rows}
    defaults = {row.optimizer: views.at_defaults(row) for row in result.rows}
    count = len(result.rows)
    points = dots.points(tuned, looks, dots.limits(tuned))
    return Figure(
        id=f"{prefix}ranking",
        caption=f"Test {result.settings.metric} over {result.settings.final_seeds} final seeds: interquartile mean "
        "(marker) and 95 % bootstrap interval (bar). The two scales differ; what lies below one stands at its edge.",
        alternative=_alternative(result, tuned, defaults),
        traces=[*points, *dots.points(defaults, looks, dots.limits(defaults), "2", hollow=True)],
        layout=_layout(result, tuned, defaults),
        height=100 + dots.LINE * count,
        narrow={
            "xaxis.domain": [0, 1],
            "xaxis2.domain": [0, 1],
            "yaxis.domain": [0.6, 1],
            "yaxis2.domain": [0, 0.4],
            "yaxis2.showticklabels": True,
        },
        narrow_height=200 + 2 * dots.LINE * count,
    )


def _layout(result: Result, tuned: Estimates, defaults: Estimates) -> dict[str, Any]:
    within, defaults_within = dots.limits(tuned), dots.limits(defaults)
    scale = f"test {result.settings.metric}"
    notes = [
        *dots.notes(tuned, lambda name: views.why_no_figure(result[name]), within),
        *dots.notes(defaults, lambda name: views.why_no_default(result[name]), defaults_within, "2"),
    ]
    return layout(
        annotations=[*notes, dots.title("Tuned", ""), dots.title("At defaults", "2")],
        margin=dict(l=8, r=12, t=30, b=46),
        xaxis=dict(domain=[0, 0.56], title=scale, range=within, nticks=6),
        xaxis2=dict(domain=[0.62, 1], title=scale, range=defaults_within, anchor="y2", nticks=5),
        yaxis=dots.names(tuned),
        yaxis2=dict(dots.names(defaults), anchor="x2", showticklabels=False),
        dragmode=False,
    )


def _alternative(result: Result, tuned: Estimates, defaults: Estimates) -> str:
    parts = []
    for row in result.rows:
        each, default = tuned[row.optimizer], defaults[row.optimizer]
        first = views.why_no_figure(row) if each is None else f"{words.number(each[0])} {words.interval(each[1:])}"
        second = views.why_no_default(row) if default is None else words.number(default[0])
        parts.append(f"{row.optimizer}: tuned {first}, at defaults {second}")
    return f"Ranking by test {result.settings.metric}, the best first. {'; '.join(parts)}."
