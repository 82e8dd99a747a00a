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
from optax_zoo.race.terminal.verdict_table import heading, verdict_table
from optax_zoo.running.errors import require
from optax_zoo.running.extent import TOP, best_of_families, cut, not_shown, some
from optax_zoo.running.selectors import family_of
from optax_zoo.running.tables import empty_table, fits

WIDTH = 100
METRIC, LEAST_NAME = 2, 9  # the column that wraps where there is no room, and the least that is left for names


def table(result: Raced, said: str = "", width: int = WIDTH, top: int = TOP) -> Any:
    """The rows as a `rich.table.Table`, the best first, under a title with a sentence below it.

    Args:
      result: of a race.
      said: the sentence.
      width: in characters; the families get a column if there is room.
      top: the number of rows, 0 for all.
    """
    with_families = _filled(result, said, top, families=True)
    return with_families if fits(with_families, width) else _filled(result, said, top, families=False)


def tables(results: Sequence[Raced], width: int = WIDTH, top: int = TOP) -> list[Any]:
    """Two tables for each race, figures and verdicts, and for several one over all, as `rich.table.Table`."""
    made = []
    for result in results:
        found = standing(result)
        made += [table(result, heading(found), width, top), verdict_table(result, found, top)]
    return [*filter(None, made), *([summary_table(results, width, top)] if len(results) > 1 else [])]


def render(results: Raced | Sequence[Raced], width: int = WIDTH, top: int = TOP) -> str:
    """The tables of one race or of several as plain text."""
    require("rich")
    from rich.console import Console

    console = Console(file=io.StringIO(), width=width)
    console.print(*tables([results] if isinstance(results, Raced) else results, width, top), sep="\n")
    return console.file.getvalue().replace("\N{NO-BREAK SPACE}", " ").strip()  # type: ignore[attr-defined]


def _filled(result: Raced, said: str, top: int, families: bool) -> Any:
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
    left = ("optimizer", "family") if families else ("optimizer",)
    grid = empty_table(_title(settings, said), "\n".join(_caption(result, top)), left, headings)
    places = column_places([row.test_metric_interval for row in result.rows])
    for row, digits in zip(cut(result.rows, top), places, strict=False):
        family = [family_of(row.optimizer)] if families else []
        name, *cells = _cells(row, settings, digits)
        grid.add_row(*map(Text, [name, *family, *cells]))
    grid.columns[0].min_width, grid.columns[METRIC + families].no_wrap = LEAST_NAME, False
    return grid


def _title(settings: Settings, said: str) -> str:
    cosine = [] if settings.schedule == "constant" else [f"{settings.schedule} schedule"]
    warmup = [f"the first {100 * settings.warmup:.3g} % warm-up"] if settings.warmup else []
    decay = [f"weight decay {settings.weight_decay:g}"] if settings.weight_decay else []
    trained = f"{settings.budget} of {settings.batch_size} examples"
    details = ", ".join([f"{settings.final_seeds} final seeds", *cosine, *warmup, *decay])
    title = f"{settings.task}: test {settings.metric} after {trained}, {details}"
    return f"{title}\n\n{said}" if said else title


def _cells(row: Row, settings: Settings, places: int) -> Iterator[str]:
    yield row.optimizer
    yield "none" if row.best_rate is None else f"{row.best_rate:.3g}"
    if row.test_metric is None or row.test_metric_interval is None:
        yield "could not run" if row.failure else "diverged"
    else:
        yield with_interval(row.test_metric, row.test_metric_interval, places)
    yield _at_defaults(row, places)
    if settings.target is not None:
        yield "-" if row.failure else "never" if row.steps_to_target is None else f"{row.steps_to_target:g}"
    yield "-" if row.state_bytes is None else f"{row.state_bytes:.2f}"


def _at_defaults(row: Row, places: int) -> str:
    if not row.default_test_metric:
        return "-"
    metric = np.array(row.default_test_metric, float)
    return number(float(interquartile_mean(metric)), places) if np.isfinite(metric).all() else "diverged"


def _caption(result: Raced, top: int) -> Iterator[str]:
    settings, shown = result.settings, cut(result.rows, top)
    yield from not_shown(len(result.rows) - len(shown))
    yield (
        f"Test metric: interquartile mean with its 95 % bootstrap interval over {settings.final_seeds} fresh seeds, at "
        f"what was best on validation ({_tuning(result)}); higher is better. At default rate: the same, at "
        f"the optimizer's own. Steps: median until the validation metric is seen at the target."
    )
    if len(shown) < len(result.rows):
        yield best_of_families([row.optimizer for row in result.rows if row.test_metric is not None])
    chosen = [(row.optimizer, row.best_values) for row in shown if row.best_values]
    if chosen:
        values = "; ".join(f"{name}: {', '.join(f'{k}={v:.3g}' for k, v in found.items())}" for name, found in chosen)
        yield f"Better than the defaults in the random search: {values}."
    lost = [row for row in result.rows if row.test_metric is None and row not in shown]
    diverged = [row.optimizer for row in lost if not row.failure]
    if diverged:
        yield f"Diverged: {some(diverged)}."
    noted: dict[str, list[str]] = {}
    for row in [*shown, *(row for row in lost if row.failure)]:
        noted.setdefault("; ".join(row.notes), []).append(row.optimizer)
    yield from (f"{', '.join(names)}: {notes}" for notes, names in noted.items() if notes)


def _tuning(result: Raced) -> str:
    """How many tuning seeds there were."""
    usual = result.settings.seeds
    most = max((len(row.contender_validation_metric[0]) for row in result.rows if row.contender_rates), default=usual)
    further = f", up to {most} where rates are close" if most > usual else ""
    return f"{usual} tuning seeds{further}"
