"""The ranking of a race: each optimizer tuned and at its defaults, as a figure and as a table."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from optax_zoo.race.analysis import views
from optax_zoo.race.analysis.verdicts import Standing, Verdict
from optax_zoo.race.html import dots, words
from optax_zoo.race.html.dots import Estimates
from optax_zoo.race.html.figures import Figure, layout
from optax_zoo.race.html.palette import Look
from optax_zoo.race.html.tables import Cell, Column, Table, figures
from optax_zoo.race.results import Result
from optax_zoo.race.rows import Row
from optax_zoo.race.settings import Settings
from optax_zoo.race.terminal.formats import column_places

HUE = Markup('<i style="background: var(--hue-{})"></i>{}')
LINK = Markup('<a href="#{}">{}</a>')


def figure(result: Result, looks: Mapping[str, Look], prefix: str) -> Figure:
    """The ranking of one race, the best on top."""
    rows = result.rows[: dots.MOST]
    tuned = {row.optimizer: views.tuned(row) for row in rows}
    defaults = {row.optimizer: views.at_defaults(row) for row in rows}
    count = len(rows)
    points = dots.points(tuned, looks, dots.limits(tuned))
    return Figure(
        id=f"{prefix}ranking",
        caption=f"Test {result.settings.metric} over {result.settings.final_seeds} final seeds: interquartile mean "
        "(marker) and 95 % bootstrap interval (bar). The two scales differ; what is below one is written at its edge."
        + dots.which(count, len(result.rows)),
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
    for row in (result[name] for name in tuned):
        each, default = tuned[row.optimizer], defaults[row.optimizer]
        first = views.why_no_figure(row) if each is None else f"{words.number(each[0])} {words.interval(each[1:])}"
        second = views.why_no_default(row) if default is None else words.number(default[0])
        parts.append(f"{row.optimizer}: tuned {first}, at defaults {second}")
    return f"Ranking by test {result.settings.metric}, the best first. {'; '.join(parts)}."


def table(result: Result, found: Standing, looks: Mapping[str, Look], anchors: Mapping[str, str]) -> Table:
    """A row for each optimizer, the best first."""
    settings = result.settings
    target = [] if settings.target is None else [Column("Steps", f"to {settings.target:g}")]
    columns = (
        Column("Rank", sort="ascending"),
        Column("Optimizer", numeric=False),
        Column("Family", numeric=False),
        Column(f"Test {settings.metric}", "tuned [95 %]"),
        Column("Against the best", "difference [95 %], p", numeric=False),
        Column("Tier"),
        Column("At defaults", "and their rate"),
        Column("Best rate"),
        *target,
        Column("State", "B/parameter"),
        *([Column("Notes", numeric=False)] if any(row.notes for row in result.rows) else []),
    )
    caption = (
        f"All optimizers on {settings.task}, the best first. Test {settings.metric}: interquartile mean over "
        f"{settings.final_seeds} final seeds. Select a heading to sort."
    )
    places = column_places([row.test_metric_interval for row in result.rows])
    cells = [
        _cells(row, rank, digits, settings, found, looks, anchors)
        for rank, (row, digits) in enumerate(zip(result.rows, places, strict=True), 1)
    ]
    return Table(caption, columns, tuple(row[: len(columns)] for row in cells), heading=1, sortable=True, rowed=True)


def _cells(
    row: Row,
    rank: int,
    places: int,
    settings: Settings,
    found: Standing,
    looks: Mapping[str, Look],
    anchors: Mapping[str, str],
) -> tuple[Cell, ...]:
    lost, verdict = row.test_metric is None, found[row.optimizer]
    why_lost = "could not run" if row.failure else "diverged"
    ends = words.interval(row.test_metric_interval, places) if row.test_metric_interval else ""
    return (
        figures(None if lost else float(rank), words.MISSING if lost else str(rank)),
        Cell(LINK.format(anchors[row.optimizer], row.optimizer), row.optimizer),
        family_cell(looks[row.optimizer]),
        figures(row.test_metric, why_lost if lost else words.number(row.test_metric, places), ends),
        _comparison(verdict, places),
        figures(verdict.tier, words.MISSING if verdict.tier is None else str(verdict.tier)),
        _default(row, places),
        figures(
            row.best_rate, words.rate(row.best_rate), ", ".join(f"{k} {v:.3g}" for k, v in row.best_values.items())
        ),
        *([] if settings.target is None else [_steps(row)]),
        figures(row.state_bytes, words.MISSING if row.state_bytes is None else words.short_number(row.state_bytes)),
        Cell("", "; ".join(row.notes) or None, "; ".join(row.notes)),
    )


def family_cell(look: Look) -> Cell:
    """The family of an optimizer, with its colour where families have one."""
    return Cell(HUE.format(look.hue, look.family) if look.many else look.family, look.family)


def _comparison(verdict: Verdict, places: int) -> Cell:
    pair = verdict.against_best
    if pair is None:
        return Cell("best", 1.0) if verdict.tier else Cell(words.MISSING)
    ends = words.interval([-end for end in pair.interval[::-1]], places)
    said = f"{words.number(-pair.difference, places)} {ends}, {words.probability(pair.p_value)}"
    return Cell(verdict.words, -pair.difference, said)


def _default(row: Row, places: int) -> Cell:
    if row.failure:
        return Cell(words.MISSING)
    if row.default_rate is None:
        return Cell("none")
    rate, estimate = f"rate {words.rate(row.default_rate)}", views.at_defaults(row)
    if estimate is None:
        return Cell("diverged", extra=rate)
    return figures(estimate[0], words.number(estimate[0], places), rate)


def _steps(row: Row) -> Cell:
    if row.steps_to_target is None:
        return Cell(words.MISSING if row.best_rate is None else "never")
    return figures(row.steps_to_target, f"{row.steps_to_target:g}")
