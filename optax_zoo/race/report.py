"""The table of a race."""

import io
from typing import Any

import numpy as np

from optax_zoo.race.comparisons import pairwise
from optax_zoo.race.errors import require
from optax_zoo.race.rows import Result, Row
from optax_zoo.race.settings import Settings


def table(result: Result) -> Any:
    """The rows as a `rich.table.Table`, the best first."""
    require("rich")
    from rich import box
    from rich.table import Table

    settings = result.settings
    grid = Table(title=_title(settings), caption=_caption(result), box=box.SIMPLE_HEAD, caption_justify="left")
    grid.add_column("optimizer", no_wrap=True)
    for heading in (
        "best\nrate",
        f"test {settings.metric}\nmean ± 95 %",
        *_target(settings),
        "state\nB/param",
        "ms\nstep",
    ):
        grid.add_column(heading, justify="right", no_wrap=True)
    for row in result.rows:
        grid.add_row(*_cells(row, settings))
    return grid


def render(result: Result, width: int = 100) -> str:
    """The table as plain text."""
    require("rich")
    from rich.console import Console

    console = Console(file=io.StringIO(), width=width)
    console.print(table(result))
    return console.file.getvalue().rstrip()  # type: ignore[attr-defined]


def _title(settings: Settings) -> str:
    return (
        f"{settings.task}: {settings.steps} steps of {settings.batch_size} examples, {settings.final_seeds} final seeds"
    )


def _target(settings: Settings) -> list[str]:
    return [] if settings.target is None else [f"steps to\n{settings.target:g}"]


def _cells(row: Row, settings: Settings) -> list[str]:
    rate = "diverged" if row.best_rate is None else f"{row.best_rate:.3g}"
    metric = "-" if row.test_metric is None else f"{row.test_metric:.4f} ± {row.test_metric_half_width:.4f}"
    steps = "-" if row.best_rate is None else "not reached"
    steps = steps if row.steps_to_target is None else f"{row.steps_to_target:g}"
    target = [] if settings.target is None else [steps]
    return [row.optimizer, rate, metric, *target, f"{row.state_bytes:.2f}", f"{row.milliseconds_per_step:.3f}"]


def _caption(result: Result) -> str:
    notes = [f"{row.optimizer}: {'; '.join(row.notes)}" for row in result.rows if row.notes]
    settings = result.settings
    how = (
        f"Rate: best mean validation {settings.metric} (tuning seeds: {settings.seeds}). Test: fresh seeds. "
        "ms: wall time of a step of one trial among those side by side, without compilation."
    )
    return "\n".join([how, *_against_the_best(result), *notes])


def _against_the_best(result: Result) -> list[str]:
    """From which optimizers the first differs over the same final seeds, and from which no difference was found."""
    scores = {
        row.optimizer: np.asarray(row.final_test_metric, float) for row in result.rows if row.test_metric is not None
    }
    scores = {name: values for name, values in scores.items() if np.isfinite(values).all()}
    if len(scores) < 2:
        return []
    best, *others = scores
    found = pairwise(scores, [(best, other) for other in others])
    worse = [each.second for each in found if each.found]
    alike = [each.second for each in found if not each.found]
    test = f"paired permutation tests over {result.settings.final_seeds} seeds, 5 % over all, Holm"
    return [
        *([f"Worse than {best} ({test}): {', '.join(worse)}."] if worse else []),
        *([f"No difference from {best} found{'' if worse else f' ({test})'}: {', '.join(alike)}."] if alike else []),
    ]
