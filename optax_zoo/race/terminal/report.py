"""The tables that races print as."""

import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from optax_zoo.race.analysis.comparisons import LEAST_SEEDS, differences
from optax_zoo.race.analysis.statistics import interquartile_mean
from optax_zoo.race.errors import require
from optax_zoo.race.rows import Result, Row
from optax_zoo.race.settings import Settings
from optax_zoo.race.terminal.formats import column_places, number, with_interval
from optax_zoo.race.terminal.summary_table import summary_table
from optax_zoo.race.terminal.tables import empty_table

WIDTH = 100
METRIC, LEAST_NAME = 2, 9  # the column that breaks where there is no room, and what it leaves for the names


def table(result: Result) -> Any:
    """The rows as a `rich.table.Table`, the best first."""
    from rich.text import Text

    settings = result.settings
    target = [] if settings.target is None else [f"steps\nto\n{settings.target:g}"]
    headings = (
        "best\nrate",
        "test metric\nIQM [95 %]",
        "at\ndefault\nrate",
        *target,
        "state\nB per\nparam",
        "ms\nper\nstep",
    )
    grid = empty_table(_title(settings), "\n".join(_caption(result)), ("optimizer",), headings)
    for row, places in zip(result.rows, column_places([row.test_metric_interval for row in result.rows]), strict=True):
        grid.add_row(*map(Text, _cells(row, settings, places)))
    grid.columns[0].min_width, grid.columns[METRIC].no_wrap = LEAST_NAME, False
    return grid


def tables(results: Sequence[Result], width: int = WIDTH) -> list[Any]:
    """The table of each race and, of several, that of all together: as `rich.table.Table`."""
    return [*map(table, results), *([summary_table(results, width)] if len(results) > 1 else [])]


def render(results: Result | Sequence[Result], width: int = WIDTH) -> str:
    """The tables of one race or of several as plain text."""
    require("rich")
    from rich.console import Console

    console = Console(file=io.StringIO(), width=width)
    console.print(*tables([results] if isinstance(results, Result) else results, width), sep="\n")
    return console.file.getvalue().replace("\N{NO-BREAK SPACE}", " ").strip()  # type: ignore[attr-defined]


def _title(settings: Settings) -> str:
    cosine = [] if settings.schedule == "constant" else [f"{settings.schedule} schedule"]
    warmup = [f"the first {100 * settings.warmup:.3g} % warm-up"] if settings.warmup else []
    decay = [f"weight decay {settings.weight_decay:g}"] if settings.weight_decay else []
    trained = f"{settings.steps} steps of {settings.batch_size} examples"
    details = ", ".join([f"{settings.final_seeds} final seeds", *cosine, *warmup, *decay])
    return f"{settings.task}: test {settings.metric} after {trained}, {details}"


def _cells(row: Row, settings: Settings, places: int) -> Iterator[str]:
    yield row.optimizer
    yield "none" if row.best_rate is None else f"{row.best_rate:.3g}"
    if row.test_metric is None or row.test_metric_interval is None:
        yield "diverged"
    else:
        yield with_interval(row.test_metric, row.test_metric_interval, places)
    yield _at_defaults(row, places)
    if settings.target is not None:
        yield "never" if row.steps_to_target is None else f"{row.steps_to_target:g}"
    yield f"{row.state_bytes:.2f}"
    yield f"{row.milliseconds_per_step:.3f}"


def _at_defaults(row: Row, places: int) -> str:
    if not row.default_test_metric:
        return "-"
    metric = np.array(row.default_test_metric, float)
    return number(float(interquartile_mean(metric)), places) if np.isfinite(metric).all() else "diverged"


def _caption(result: Result) -> Iterator[str]:
    settings = result.settings
    yield (
        f"Test metric: interquartile mean with its 95 % bootstrap interval over {settings.final_seeds} fresh seeds, at "
        f"what was best on validation ({settings.seeds} tuning seeds); higher is better. At default rate: the same, at "
        f"the optimizer's own. Steps: median until the validation metric is seen at the target. "
        f"ms: wall time of a step of one trial among those side by side, without compilation."
    )
    yield from _against_the_best(result)
    chosen = [(row.optimizer, row.best_values) for row in result.rows if row.best_values]
    if chosen:
        values = "; ".join(f"{name}: {', '.join(f'{k}={v:.3g}' for k, v in found.items())}" for name, found in chosen)
        yield f"Better than the defaults in the random search: {values}."
    yield from (f"{row.optimizer}: {'; '.join(row.notes)}" for row in result.rows if row.notes)


def _against_the_best(result: Result) -> Iterator[str]:
    """From which optimizers the first differs over the same final seeds, and from which no difference was found."""
    best, seeds, pairs = result.rows[0].optimizer, result.settings.final_seeds, differences(result)
    if pairs and seeds < LEAST_SEEDS:
        yield f"No difference can be found with {seeds} final seeds; {LEAST_SEEDS} at least are needed."
        return
    groups: dict[str, list[str]] = {"Worse than": [], "Better in the mean than": [], "No difference found from": []}
    for pair in pairs:
        if pair.first == best:
            found = "Worse than" if pair.difference > 0 else "Better in the mean than"
            groups[found if pair.found else "No difference found from"].append(pair.second)
    how = f" (paired permutation tests over {seeds} seeds, 5 % over all {len(pairs)} pairs)"
    for words, names in groups.items():
        if names:
            yield f"{words} {best}{how}: {', '.join(names)}."
            how = ""
