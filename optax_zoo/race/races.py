"""A race over several tasks."""

import contextlib
import dataclasses
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from optax_zoo.race import html
from optax_zoo.race.engine.cache import kept_programs
from optax_zoo.race.engine.processes import from_first, is_first, wait_for_first
from optax_zoo.race.results import Result
from optax_zoo.race.runner import race
from optax_zoo.race.storage.lines import writing
from optax_zoo.race.storage.locks import locked
from optax_zoo.race.storage.records import refuse_occupied
from optax_zoo.race.task import Task
from optax_zoo.race.tasks import list_tasks, resolve_task
from optax_zoo.race.terminal.report import render
from optax_zoo.running.entrants import Optimizers, resolve
from optax_zoo.running.errors import RaceError, require
from optax_zoo.running.out import check_out

ALL = "all"


@dataclasses.dataclass(frozen=True, repr=False)
class Races:
    """The outcomes of the same optimizers on several tasks; they print as a table for each task, and one over all.

    Attributes:
      results: one for each task, in their order.
    """

    results: tuple[Result, ...]

    def __getitem__(self, task: str) -> Result:
        """The outcome on a task.

        Raises:
          KeyError: if it was not raced on.
        """
        return {result.settings.task: result for result in self.results}[task]

    def __repr__(self) -> str:
        return render(self.results)


def race_tasks(
    optimizers: Optimizers | None = None,
    *,
    tasks: Iterable[str | Task],
    steps: int | None = None,
    target: float | None = None,
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    report: bool = True,
    progress: bool = True,
    **options: Any,
) -> Races:
    """Races the same optimizers on several tasks, by the same rules.

    Args:
      optimizers: as for `race`.
      tasks: names of registered tasks, `module:object`, or tasks; "all" stands for all that are registered.
      steps: steps of each trial; by default the budget of each task.
      target: the value of the metric that is timed; by default that of each task.
      out: folder for report.html, in which each task gets a folder of its name; by default nothing is written.
      resume: continue the races in `out`.
      report: whether to write report.html.
      progress: whether to show progress on standard error.
      **options: the other options of `race`: `rates`, `seeds`, `schedule` and so on.

    Returns:
      The outcome on each task; `optax_zoo.race.summarize` puts them together.

    Raises:
      RaceError: for an unknown task, none at all, or one given twice, and for whatever `race` refuses.
      MissingExtraError: if a package that a task needs is not installed.
    """
    if not (optimizers is None or isinstance(optimizers, str | Mapping)):
        optimizers = list(optimizers)
    check_out(out)
    resolve(optimizers)  # an unknown name is found before any data is made
    made = by_name(tasks, target)
    folders = {name: None if out is None else Path(out) / folder_of(name) for name in made}
    if not resume:
        refuse_occupied(folder for folder in folders.values() if folder is not None)
    shared = {"resume": resume, "report": False, "progress": progress, **options}
    results = []
    with kept_programs(), contextlib.ExitStack() as stack:
        if out is not None:
            from_first(lambda: stack.enter_context(locked(out)))
        for number, (name, task) in enumerate(made.items(), 1):
            in_time = options.get("time_budget") is not None
            budget = task.steps if steps is None and not in_time else steps
            if progress and is_first():
                each = f"{options['time_budget']} s" if in_time else f"{budget} steps"
                _announce(f"task {number} of {len(made)}: {name}, {each}")
            results.append(race(optimizers, task=task, steps=budget, out=folders[name], **shared))
        if out is not None and report and is_first():
            with writing(Path(out) / "report.html"):
                html.write(results, Path(out) / "report.html")
        wait_for_first()
    return Races(tuple(results))


def folder_of(task: str) -> str:
    """The name of a task, made fit for a folder."""
    return re.sub(r"[^\w.()=,+-]+", "_", task)


def by_name(tasks: Iterable[str | Task], target: float | None) -> dict[str, Task]:
    """The tasks by name, with another target if one is given."""
    if isinstance(tasks, str | Task):
        raise RaceError(f"tasks is {tasks!r}, but must be a sequence of names or tasks.")
    made: dict[str, Task] = {}
    for each in _without_all(tasks):
        task = resolve_task(each) if isinstance(each, str) else each
        if not isinstance(task, Task):
            raise RaceError(f"tasks has {each!r}, but must hold names or tasks.")
        if folder_of(task.name) in map(folder_of, made):
            raise RaceError(f"task {task.name!r} is given twice.")
        made[task.name] = task if target is None else dataclasses.replace(task, target=target)
    if not made:
        raise RaceError("tasks is empty, but must name at least one.")
    return made


def _without_all(tasks: Iterable[str | Task]) -> Iterator[str | Task]:
    for each in tasks:
        yield from list_tasks() if each == ALL else [each]


def _announce(text: str) -> None:
    require("rich")
    from rich.console import Console

    Console(stderr=True, highlight=False).print(text, style="bold", markup=False)
