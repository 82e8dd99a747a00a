"""The table of a race."""

from collections.abc import Mapping

from markupsafe import Markup

from optax_zoo.race.analysis import views
from optax_zoo.race.analysis.verdicts import Standing, Verdict
from optax_zoo.race.html import words
from optax_zoo.race.html.tables import Cell, Column, Table, figures
from optax_zoo.race.results import Result
from optax_zoo.race.rows import Row
from optax_zoo.race.settings import Settings
from optax_zoo.race.terminal.formats import column_places

LINK = Markup('<a href="#{}">{}</a>')


def table(result: Result, found: Standing, anchors: Mapping[str, str]) -> Table:
    """A row for each optimizer, the best first."""
    settings = result.settings
    target = [] if settings.target is None else [Column("Steps", f"to {settings.target:g}")]
    columns = (
        Column("Rank", sort="ascending"),
        Column("Optimizer", numeric=False),
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
        _cells(row, rank, digits, settings, found, anchors)
        for rank, (row, digits) in enumerate(zip(result.rows, places, strict=True), 1)
    ]
    return Table(caption, columns, tuple(row[: len(columns)] for row in cells), heading=1, sortable=True)


def _cells(
    row: Row, rank: int, places: int, settings: Settings, found: Standing, anchors: Mapping[str, str]
) -> tuple[Cell, ...]:
    lost, verdict = row.test_metric is None, found[row.optimizer]
    ends = words.interval(row.test_metric_interval, places) if row.test_metric_interval else ""
    return (
        figures(None if lost else float(rank), words.MISSING if lost else str(rank)),
        Cell(LINK.format(anchors[row.optimizer], row.optimizer), row.optimizer),
        figures(row.test_metric, "diverged" if lost else words.number(row.test_metric, places), ends),
        _comparison(verdict, places),
        figures(verdict.tier, words.MISSING if verdict.tier is None else str(verdict.tier)),
        _default(row, places),
        figures(
            row.best_rate, words.rate(row.best_rate), ", ".join(f"{k} {v:.3g}" for k, v in row.best_values.items())
        ),
        *([] if settings.target is None else [_steps(row)]),
        figures(row.state_bytes, f"{row.state_bytes:.2f}".removesuffix(".00")),
        Cell("", "; ".join(row.notes) or None, "; ".join(row.notes)),
    )


def _comparison(verdict: Verdict, places: int) -> Cell:
    pair = verdict.against_best
    if pair is None:
        return Cell("best", 1.0) if verdict.tier else Cell(words.MISSING)
    ends = words.interval([-end for end in pair.interval[::-1]], places)
    said = f"{words.number(-pair.difference, places)} {ends}, {words.probability(pair.p_value)}"
    return Cell(verdict.words, -pair.difference, said)


def _default(row: Row, places: int) -> Cell:
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
