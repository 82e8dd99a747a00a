"""A race from beginning to end."""

import contextlib
import dataclasses
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jax
import numpy as np

from optax_zoo.race import html
from optax_zoo.race import settings as checks
from optax_zoo.race.engine import finals
from optax_zoo.race.engine.ahead import compiled_ahead
from optax_zoo.race.engine.cache import kept_programs
from optax_zoo.race.engine.halving import counts
from optax_zoo.race.engine.layout import layout_of
from optax_zoo.race.engine.processes import from_first, is_first, wait_for_first
from optax_zoo.race.engine.program import Program
from optax_zoo.race.engine.timing import steps_within
from optax_zoo.race.engine.trials import evaluation_steps, prepare, untrained
from optax_zoo.race.engine.tuning import MOST_SEEDS
from optax_zoo.race.plots import draw
from optax_zoo.race.results import Result
from optax_zoo.race.rows import Row, rank
from optax_zoo.race.settings import Settings
from optax_zoo.race.storage import environment, records
from optax_zoo.race.storage.batches import Batches
from optax_zoo.race.storage.lines import writing
from optax_zoo.race.task import Task
from optax_zoo.race.tasks import task_of
from optax_zoo.running.entrants import Entrant, Optimizers, resolve
from optax_zoo.running.errors import EntrantError, RaceError, require
from optax_zoo.running.interrupts import remembered_interrupts
from optax_zoo.running.out import check_out
from optax_zoo.running.progress import Progress, display


def race(
    optimizers: Optimizers | None = None,
    *,
    task: Task | str | None = None,
    rates: Iterable[float] = checks.RATES,
    seeds: int = checks.SEEDS,
    final_seeds: int = checks.FINAL_SEEDS,
    steps: int | None = None,
    time_budget: float | None = None,
    seed: int = 0,
    schedule: str = "constant",
    warmup: float = 0.0,
    weight_decay: float = 0.0,
    search: checks.Space | None = None,
    samples: int = 0,
    halving: int | None = None,
    mapping: str = "auto",
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    strict: bool = False,
    report: bool = True,
    progress: bool = True,
) -> Result:
    """Compares optimizers, each at the learning rate that suits it best.

    Each optimizer is tuned by the same rules: every rate of the grid with every seed, the best mean metric on the
    validation part over the last quarter of the evaluations wins (ties: the lower mean loss), and a winner at an edge
    extends the grid by one rate, at most four times. The figures reported are those of fresh seeds on the test part
    after the last step, at the rate that won and at the optimizer's defaults. All optimizers see the same initial
    parameters and the same batches; `update` gets the parameters and `value=loss`. NaN or infinity in a loss or a
    parameter is a result, the worst one. The same seed on the same machine gives the same numbers, timings apart. All
    devices that jax sees are used, those of other processes too once `jax.distributed` is initialized.

    An optimizer that cannot be trained on the task is in the outcome, last and with the reason, and stops no other;
    if none can, there is no race.

    Args:
      optimizers: names (`"adam"`, `"optax.lion"`, `"optax.contrib.muon"`, or your own `"module:function"`), pairs of
        a name and a function from learning rate to transformation, or a mapping from name to function; "all"
        stands for all of ours and three of optax. By default a dozen: nine of ours and those three. With a schedule,
        functions are given a schedule for a rate.
      task: what is trained, a `Task` or the name of one; by default "digits_deep".
      rates: the grid of learning rates, the same for all; by default 7 from 0.001 to 1. A single rate is not extended.
      seeds: seeds per rate, at least 1; by default 3.
      final_seeds: fresh seeds at the best rate, at least 2; by default 20.
      steps: steps of each trial, at least 1; by default the budget of the task, `task.steps`.
      time_budget: seconds of each trial, above 0, in place of steps: before the race, each optimizer is timed on the
        machine at hand, and gets as many steps as it takes in this time. They are kept in race.json, and a race that is
        resumed goes on with them.
      seed: the seed that all others are derived from, at least 0; by default 0.
      schedule: what the rate is multiplied by: 1, "constant"; from 1 to 0 at the last step half a "cosine", "linear",
        or "wsd", which stays at 1 and falls as 1 less a root in the last fifth; "inverse_sqrt" of the steps; or
        "one_cycle", which rises along half a cosine first.
      warmup: the share of the steps, below 1, in which the rate rises linearly to where the schedule begins; in one
        cycle that of its rise, 0.3 unless given.
      weight_decay: each step subtracts this times the rate of the step times the parameters, whatever the optimizer.
      search: ranges of further hyperparameters, {"b1": (0.8, 0.99), "eps": (1e-10, 1e-4, "log")}: each optimizer
        that takes one of them as a keyword with a numeric default is tried at random points.
      samples: number of random points, each with a rate within a step of the grid around the best; the same number
        for all, so that an optimizer with nothing to search tries more rates.
      halving: give up all but one in so many of the random points, at least 2, first after about 1 / halving^2 of the
        steps and again after 1 / halving: the same for all optimizers. By default all are tried to the end.
      mapping: how a device runs its trials: one after the other, "map", whose numbers do not depend on how many there
        are, or side by side, "vmap"; "auto" is the former on a CPU and the latter on an accelerator.
      out: folder for results, pictures and report.html; by default nothing is written.
      resume: continue the race in `out`: what is finished there is read back. Functions are identified by name only.
      strict: whether an optimizer that cannot be trained ends the race.
      report: whether to write report.html, which takes some seconds.
      progress: whether to show progress on standard error.

    Returns:
      The outcome with its rows, the best first; it prints as a table.

    Raises:
      RaceError: if the input cannot be raced or the folder cannot be written to; nothing has been computed then.
      MissingExtraError: without the packages that the extra `race` installs.
    """
    check_out(out)
    _require_packages(progress, writes=out is not None, report=out is not None and report)
    entrants = resolve(optimizers)
    task = task_of(checks.TASK if task is None else task)
    settings = checks.check(
        entrants,
        task,
        rates=rates,
        seeds=seeds,
        final_seeds=final_seeds,
        steps=steps,
        seed=seed,
        schedule=schedule,
        warmup=warmup,
        weight_decay=weight_decay,
        search=search or {},
        samples=samples,
        halving=halving,
        time_budget=time_budget,
        mapping=mapping,
    )
    _check_search(settings, entrants)
    with kept_programs(), contextlib.ExitStack() as stack:
        if settings.time_budget:
            settings = _timed(task, entrants, settings, out if resume else None, progress and is_first())
        folder = None if out is None or not is_first() else records.Folder(out, resume)
        found = from_first(lambda: {"rows": [], "batches": []} if folder is None else _open(stack, folder, settings))
        rows = {row["optimizer"]: Row.of(row) for row in found["rows"]}
        batches = Batches(None) if folder is None else folder.batches
        if folder is None:
            batches.extend(found["batches"])
        result = _race(task, entrants, settings, rows, batches, folder, progress and is_first(), strict)
        if folder is not None:
            with writing(folder.path / "report.html"):
                draw(result, folder.path)
                if report:
                    html.write([result], folder.path / "report.html")
        wait_for_first()
    return result


def _require_packages(progress: bool, writes: bool, report: bool) -> None:
    shown = ["rich"] if progress else []
    written = ["matplotlib", "filelock"] if writes else []
    require("scipy", "psutil", *shown, *written, *(["jinja2"] if report else []))


def _timed(task: Task, entrants: Mapping[str, Entrant], settings: Settings, saved: Any, visible: bool) -> Settings:
    """The settings with the steps of each optimizer: those of the folder that is resumed, or measured now."""
    known = {} if saved is None else from_first(lambda: records.steps_in(saved, settings))
    if known:
        return settings.with_steps(known)
    with display(len(entrants), visible) as progress:

        def told(name: str) -> None:
            progress.phase(name, "timing", 0, len(entrants))
            progress.advance(1)

        return settings.with_steps(steps_within(task, entrants, settings, told))


def _open(stack: contextlib.ExitStack, folder: records.Folder, settings: Settings) -> dict[str, Any]:
    """Locks the folder, and returns its contents for all processes."""
    stack.enter_context(folder)
    rows = folder.finished(settings)
    return {"rows": [dataclasses.asdict(row) for row in rows.values()], "batches": folder.batches.content()}


def _race(
    task: Task,
    entrants: Mapping[str, Entrant],
    settings: Settings,
    rows: dict[str, Row],
    batches: Batches,
    folder: records.Folder | None,
    visible: bool,
    strict: bool,
) -> Result:
    left = [entrant for name, entrant in entrants.items() if name not in rows or rows[name].failure]

    def finished(row: Row) -> None:
        if folder is not None and rows.get(row.optimizer) != row:
            folder.append(row)
        rows[row.optimizer] = row

    trials = sum(_trials(entrant, settings) for entrant in left)
    with display(trials, visible) as progress, remembered_interrupts() as raise_if_interrupted:
        layout = layout_of(settings)
        local = prepare(task, settings.seed, MOST_SEEDS * settings.seeds + settings.final_seeds)
        start = layout.replicate(local)
        programs: list[Program] = []
        failures: list[Row] = []
        for number, entrant in enumerate(left, 1):
            progress.phase("all", f"tracing {number} of {len(left)}", len(entrants) - len(left), len(entrants))
            try:
                programs.append(Program(task, entrant, settings.of(entrant.name), start, batches, layout))
            except EntrantError as error:
                if strict or len(failures) == len(entrants) - 1:
                    raise
                failures.append(finals.failed(entrant, settings.of(entrant.name), error))
                progress.grow(-_trials(entrant, settings))
        if folder is not None:
            folder.begin(settings)
        for row in failures:
            finished(row)
        before = untrained(task, local) if left else np.empty(0)
        run_before = len(entrants) - len(programs)
        with compiled_ahead(_emptied(programs)) as in_turn:
            for number, program in enumerate(in_turn, run_before):
                raise_if_interrupted()
                told = _Told(progress, program.entrant.name, number, len(entrants))
                try:
                    finished(finals.enter(program, settings.of(program.entrant.name), before, told))
                except EntrantError as error:
                    if strict or jax.process_count() > 1:  # processes that do not all fail would wait for ever
                        raise
                    finished(finals.failed(program.entrant, settings.of(program.entrant.name), error))
    record = environment.record() if folder is None else folder.record
    return Result(settings, tuple(sorted(rows.values(), key=rank)), record)


def _emptied(programs: list[Program]) -> Iterator[Program]:
    """Hands out all programs and keeps none, so that one that has run can go."""
    while programs:
        yield programs.pop(0)


@dataclasses.dataclass(frozen=True)
class _Told:
    """Progress, as it is told of one optimizer."""

    progress: Progress
    name: str
    finished: int
    of: int

    def phase(self, text: str) -> None:
        self.progress.phase(self.name, text, self.finished, self.of)

    def advance(self, trials: int) -> None:
        self.progress.advance(trials)

    def skip(self, trials: int) -> None:
        self.progress.skip(trials)

    def grow(self, trials: int) -> None:
        self.progress.grow(trials)


def _trials(entrant: Entrant, settings: Settings) -> int:
    """How many trials an optimizer has, if its grid is not extended."""
    settings = settings.of(entrant.name)
    searched = settings.samples
    if settings.halving:
        searched = sum(counts(settings.halving, settings.samples, len(evaluation_steps(settings.steps))))
    tuning = settings.seeds * (len(settings.rates) + searched)
    return tuning + settings.final_seeds * (1 if entrant.default_rate is None else 2)


def _check_search(settings: Settings, entrants: Mapping[str, Entrant]) -> None:
    known = {name for entrant in entrants.values() for name in entrant.defaults}
    for each in settings.search:
        if each.name not in known:
            raise RaceError(
                f"search has {each.name!r}, but no optimizer of the race takes it as a keyword with a numeric "
                f"default; known are {', '.join(sorted(known)) or 'none'}."
            )
