"""The tables that races print as."""

import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from optax_zoo.race.analysis.verdicts import standing
from optax_zoo.race.rows import Raced, Row
from optax_zoo.race.settings import Settings
from optax_zoo.race.statistics.estimates import interquartile_mean
from optax_zoo.race.terminal.formats import column_places, number, with_interval
from optax_zoo.race.terminal.summary_table import summary_table
from optax_zoo.race.terminal.tables import empty_table
from optax_zoo.race.terminal.verdict_table import heading, verdict_table
from optax_zoo.running.errors import require

WIDTH = 100
METRIC, LEAST_NAME = 2, 9  # the column that wraps where there is no room, and the least that is left for names


def table(result: Raced, said: str = "") -> Any:
    """The rows as a `rich.table.Table`, the best first, under a title with a sentence below it."""
    from rich.text import Text

    settings = result.settings
    target = [] if settings.target is None else [f"steps\nto\n{settings.target:g}"]
    headings = (
        "best\nrate",
        "test metric\nIQM [95 %]",
        "at\ndefault\nrate",
        *target,
        "state\nB per\nparam",
    )
    grid = empty_table(_title(settings, said), "\n".join(_caption(result)), ("optimizer",), headings)
    for row, places in zip(result.rows, column_places([row.test_metric_interval for row in result.rows]), strict=True):
        grid.add_row(*map(Text, _cells(row, settings, places)))
    grid.columns[0].min_width, grid.columns[METRIC].no_wrap = LEAST_NAME, False
    return grid


def tables(results: Sequence[Raced], width: int = WIDTH) -> list[Any]:
    """Two tables for each race, figures and verdicts, and for several one over all, as `rich.table.Table`."""
    made = []
    for result in results:
        found = standing(result)
        made += [table(result, heading(found)), verdict_table(result, found)]
    return [*filter(None, made), *([summary_table(results, width)] if len(results) > 1 else [])]


def render(results: Raced | Sequence[Raced], width: int = WIDTH) -> str:
    """The tables of one race or of several as plain text."""
    require("rich")
    from rich.console import Console

    console = Console(file=io.StringIO(), width=width)
    console.print(*tables([results] if isinstance(results, Raced) else results, width), sep="\n")
    return console.file.getvalue().replace("\N{NO-BREAK SPACE}", " ").strip()  # type: ignore[attr-defined]


def _title(settings: Settings, said: str) -> str:
    cosine = [] if settings.schedule == "constant" else [f"{settings.schedule} schedule"]
    warmup = [f"the first {100 * settings.warmup:.3g} % warm-up"] if settings.warmup else []
    decay = [f"weight decay {settings.weight_decay:g}"] if settings.weight_decay else []
    trained = f"{settings.steps} steps of {settings.batch_size} examples"
    details = ", ".join([f"{settings.final_seeds} final seeds", *cosine, *warmup, *decay])
    title = f"{settings.task}: test {settings.metric} after {trained}, {details}"
    return f"{title}\n\n{said}" if said else title


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


def _at_defaults(row: Row, places: int) -> str:
    if not row.default_test_metric:
        return "-"
    metric = np.array(row.default_test_metric, float)
    return number(float(interquartile_mean(metric)), places) if np.isfinite(metric).all() else "diverged"


def _caption(result: Raced) -> Iterator[str]:
    settings = result.settings
    yield (
        f"Test metric: interquartile mean with its 95 % bootstrap interval over {settings.final_seeds} fresh seeds, at "
        f"what was best on validation ({_tuning(result)}); higher is better. At default rate: the same, at "
        f"the optimizer's own. Steps: median until the validation metric is seen at the target."
    )
    chosen = [(row.optimizer, row.best_values) for row in result.rows if row.best_values]
    if chosen:
        values = "; ".join(f"{name}: {', '.join(f'{k}={v:.3g}' for k, v in found.items())}" for name, found in chosen)
        yield f"Better than the defaults in the random search: {values}."
    yield from (f"{row.optimizer}: {'; '.join(row.notes)}" for row in result.rows if row.notes)


def _tuning(result: Raced) -> str:
    """How many tuning seeds there were."""
    usual = result.settings.seeds
    most = max((len(row.contender_validation_metric[0]) for row in result.rows if row.contender_rates), default=usual)
    further = f", up to {most} where rates are close" if most > usual else ""
    return f"{usual} tuning seeds{further}"
