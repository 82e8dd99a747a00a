"""A race from beginning to end."""

import functools
import os
from collections.abc import Iterable

from optax_zoo.race import records, tuning
from optax_zoo.race import settings as checks
from optax_zoo.race.entrants import Factory, Optimizers, resolve
from optax_zoo.race.errors import require
from optax_zoo.race.interrupts import remembered_interrupts
from optax_zoo.race.plots import draw
from optax_zoo.race.progress import Notify, display
from optax_zoo.race.rows import Result, rank
from optax_zoo.race.settings import Settings
from optax_zoo.race.task import Task, digits
from optax_zoo.race.trials import Program, prepare


def race(
    optimizers: Optimizers | None = None,
    *,
    task: Task | None = None,
    rates: Iterable[float] = checks.RATES,
    seeds: int = checks.SEEDS,
    final_seeds: int = checks.FINAL_SEEDS,
    steps: int = checks.STEPS,
    seed: int = 0,
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    progress: bool = True,
) -> Result:
    """Compares optimizers, each at the learning rate that suits it best.

    Each optimizer is tuned by the same rules: every rate of the grid with every seed, the best mean metric on the
    validation part over the last quarter of the evaluations wins (ties: the lower mean loss), and a winner at an edge
    extends the grid by one rate, at most four times. The figures reported are those of fresh seeds on the test part
    after the last step. All optimizers see the same initial parameters and the same batches; `update` gets the
    parameters and `value=loss`. NaN or infinity in a loss or a parameter is a result, the worst one. The same seed on
    the same machine gives the same numbers, timings apart.

    Args:
      optimizers: names (`"adam"` of ours, `"optax.lion"` of optax), pairs of a name and a function from learning rate
        to transformation, or a mapping from name to function; "all" stands for all of ours and three of optax. By
        default a dozen: ten of ours and those three.
      task: what is trained; by default `digits()`.
      rates: the grid of learning rates, the same for all; by default 7 from 0.001 to 1. A single rate is not extended.
      seeds: seeds per rate, at least 1; by default 5.
      final_seeds: fresh seeds at the best rate, at least 2; by default 10.
      steps: steps of each trial, at least 1; by default 600.
      seed: from which all others follow, at least 0; by default 0.
      out: folder for race.json, results.jsonl, curves.png and sensitivity.png; by default nothing is written.
      resume: continue the race in `out`: what is finished there is read back. Functions are known by their names only.
      progress: whether to show progress on standard error.

    Returns:
      The outcome with its rows, the best first; it prints as a table.

    Raises:
      RaceError: if the input cannot be raced or the folder not be written to; nothing has been computed then.
      MissingExtraError: without the packages that the extra `race` installs.
    """
    require("scipy", *(["rich"] if progress else []), *(["matplotlib"] if out is not None else []))
    factories = resolve(optimizers)
    task = digits() if task is None else task
    settings = checks.check(factories, task, rates, seeds, final_seeds, steps, seed)
    folder = None if out is None else records.Folder(out, resume)
    rows = {} if folder is None else folder.finished(settings)
    with display(len(factories), progress) as notify, remembered_interrupts() as raise_if_interrupted:
        programs = _trace(task, {name: f for name, f in factories.items() if name not in rows}, settings, notify)
        if folder is not None and not folder.occupied:
            folder.begin(settings)
        for name, program in programs.items():
            raise_if_interrupted()
            rows[name] = tuning.enter(name, program, settings, functools.partial(notify, name, finished=len(rows)))
            if folder is not None:
                folder.append(rows[name])
    result = Result(settings, tuple(sorted(rows.values(), key=rank)))
    if folder is not None:
        draw(result, folder.path)
    return result


def _trace(task: Task, factories: dict[str, Factory], settings: Settings, notify: Notify) -> dict[str, Program]:
    """Programs by name: all are traced before the first runs, so that one that cannot run is found at once."""
    start = prepare(task, settings.seed, settings.seeds + settings.final_seeds)
    finished = len(settings.optimizers) - len(factories)
    programs = {}
    for number, (name, factory) in enumerate(factories.items(), 1):
        notify("all", f"tracing {number} of {len(factories)}", finished)
        programs[name] = Program(task, name, factory, settings.steps, start)
    return programs
