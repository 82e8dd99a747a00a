"""The table of several races together."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from optax_zoo.race.analysis.summary import Scores, Summary, summarize
from optax_zoo.race.rows import Raced
from optax_zoo.race.terminal.formats import column_places, number, with_interval
from optax_zoo.running.extent import TOP, best_of_families, cut, not_shown, some
from optax_zoo.running.selectors import family_of
from optax_zoo.running.tables import empty_table, fits

MOST_TASKS = 4
Column = tuple[str, Mapping[str, str]]  # heading, and cells by optimizer


def summary_table(results: Sequence[Raced], width: int = 100, top: int = TOP) -> Any:
    """The summary of races on several tasks as a `rich.table.Table`, the best optimizer first.

    Args:
      results: of one race for each task.
      width: in characters. Up to four tasks get a column each, if there is room for all, and then the families.
      top: the number of rows, 0 for all.
    """
    summary = summarize(results)
    columns = list(_columns(summary))
    by_task = [] if len(summary.tasks) > MOST_TASKS else list(_task_columns(summary, results))
    family: Column = "family", {name: family_of(name) for name in summary.optimizers}
    candidates = [[family], [*columns, *by_task]], [[], [*columns, *by_task]], [[family], columns]
    made = (_filled(summary, left, right, top) for left, right in candidates)
    return next((table for table in made if fits(table, width)), None) or _filled(summary, [], columns, top)


def _filled(summary: Summary, left: Sequence[Column], right: Sequence[Column], top: int) -> Any:
    from rich.text import Text

    caption = "\n".join(_caption(summary, top))
    heads = ["optimizer", *(head for head, _ in left)]
    table = empty_table(_title(summary), caption, heads, [head for head, _ in right])
    for name in cut(summary.optimizers, top):
        table.add_row(Text(name), *(Text(cells[name]) for _, cells in (*left, *right)))
    return table


def _columns(summary: Summary) -> Iterator[Column]:
    best, *others = summary.optimizers
    overall = {name: scores.overall for name, scores in summary.scores.items()}
    places = dict(zip(overall, column_places([(each.low, each.high) for each in overall.values()]), strict=True))
    yield (
        "score\nIQM [95 %]",
        {name: with_interval(each.value, (each.low, each.high), places[name]) for name, each in overall.items()},
    )
    yield "mean\nrank", {name: f"{rank:.1f}" for name, rank in summary.mean_rank.items()}
    if others:
        beats = {name: summary.improvement[name, best] for name in others}
        yield (
            "P(beats\nthe first)",
            {best: "-", **{name: with_interval(each.value, (each.low, each.high), 2) for name, each in beats.items()}},
        )
    if any(reached is not None for reached in summary.scores[best].reached):
        yield "targets\nreached", {name: _reached(scores) for name, scores in summary.scores.items()}


def _task_columns(summary: Summary, results: Sequence[Raced]) -> Iterator[Column]:
    """The test metric of each task."""
    by_task = {result.settings.task: result for result in results}
    for task in summary.tasks:
        rows = [by_task[task][name] for name in summary.optimizers]
        places = column_places([row.test_metric_interval for row in rows])
        shown = [
            "diverged" if row.test_metric is None else number(row.test_metric, count)
            for row, count in zip(rows, places, strict=True)
        ]
        yield task.replace("_", "\n"), dict(zip(summary.optimizers, shown, strict=True))


def _reached(scores: Scores) -> str:
    known = [reached for reached in scores.reached if reached is not None]
    return f"{sum(known)} of {len(known)}"


def _title(summary: Summary) -> str:
    return f"Summary over {len(summary.tasks)} task{'s' if len(summary.tasks) > 1 else ''}: {', '.join(summary.tasks)}"


def _caption(summary: Summary, top: int) -> Iterator[str]:
    yield from not_shown(len(summary.optimizers) - len(cut(summary.optimizers, top)))
    yield (
        "Score of a run: 0 as before training, 1 as the best optimizer of the task. IQM: interquartile mean over the "
        "runs of all tasks. P: probability that a run beats one of the first, mean over tasks, ties counted half. In "
        "brackets: 95 % bootstrap intervals, seeds resampled within each task. Targets: reached by the median run."
    )
    if len(cut(summary.optimizers, top)) < len(summary.optimizers):
        yield best_of_families(summary.optimizers)
    if summary.left_out:
        yield f"Left out, as they did not take part in every task: {some(summary.left_out)}."
