"""The table of a race."""

from collections.abc import Mapping

from markupsafe import Markup

from optax_zoo.race.analysis import views
from optax_zoo.race.analysis.comparisons import Difference
from optax_zoo.race.html import words
from optax_zoo.race.html.tables import Cell, Column, Table, figures
from optax_zoo.race.rows import Result, Row
from optax_zoo.race.settings import Settings
from optax_zoo.race.terminal.formats import column_places

LINK = Markup('<a href="#{}">{}</a>')


def table(result: Result, found: Mapping[str, Difference], anchors: Mapping[str, str]) -> Table:
    """A row for each optimizer, the best first."""
    settings = result.settings
    target = [] if settings.target is None else [Column("Steps", f"to {settings.target:g}")]
    columns = (
        Column("Rank", sort="ascending"),
        Column("Optimizer", numeric=False),
        Column(f"Test {settings.metric}", "tuned [95 %]"),
        Column("Against the best", numeric=False),
        Column("At defaults", "and their rate"),
        Column("Best rate"),
        *target,
        Column("State", "B/parameter"),
        Column("Time", "ms/step"),
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
    row: Row, rank: int, places: int, settings: Settings, found: Mapping[str, Difference], anchors: Mapping[str, str]
) -> tuple[Cell, ...]:
    lost = row.test_metric is None
    ends = words.interval(row.test_metric_interval, places) if row.test_metric_interval else ""
    return (
        figures(None if lost else float(rank), words.MISSING if lost else str(rank)),
        Cell(LINK.format(anchors[row.optimizer], row.optimizer), row.optimizer),
        figures(row.test_metric, "diverged" if lost else words.number(row.test_metric, places), ends),
        _comparison(row, rank, found.get(row.optimizer)),
        _default(row, places),
        figures(
            row.best_rate, words.rate(row.best_rate), ", ".join(f"{k} {v:.3g}" for k, v in row.best_values.items())
        ),
        *([] if settings.target is None else [_steps(row)]),
        figures(row.state_bytes, f"{row.state_bytes:.2f}".removesuffix(".00")),
        figures(row.milliseconds_per_step, f"{row.milliseconds_per_step:.3f}"),
        Cell("", "; ".join(row.notes) or None, "; ".join(row.notes)),
    )


def _comparison(row: Row, rank: int, difference: Difference | None) -> Cell:
    if difference is None:
        return Cell("best", "1") if rank == 1 and row.test_metric is not None else Cell(words.MISSING)
    verdict = "no difference found"
    if difference.found:
        verdict = "worse" if difference.difference > 0 else "better in the mean"
    return Cell(verdict, f"{difference.p_value:.6f}", words.probability(difference.p_value))


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
