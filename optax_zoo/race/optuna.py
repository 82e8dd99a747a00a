"""Searches by Optuna, with trials as a race has them."""

import math
from collections.abc import Callable
from typing import Any

from optax_zoo._checks import is_number
from optax_zoo.race import settings as checks
from optax_zoo.race.engine.grid import Grid, measure
from optax_zoo.race.engine.layout import layout_of
from optax_zoo.race.engine.program import Point, Program
from optax_zoo.race.engine.trials import prepare
from optax_zoo.race.storage.batches import Batches
from optax_zoo.race.task import Task
from optax_zoo.race.tasks import task_of
from optax_zoo.running.entrants import Factory, resolve
from optax_zoo.running.errors import RaceError, require

RATE = "learning_rate"


def objective(
    optimizer: str | tuple[str, Factory],
    task: Task | str = checks.TASK,
    *,
    rates: tuple[float, float] = (1e-5, 1.0),
    search: checks.Space | None = None,
    seeds: int = checks.SEEDS,
    steps: int | None = None,
    seed: int = 0,
    schedule: str = "constant",
    warmup: float = 0.0,
    weight_decay: float = 0.0,
) -> Callable[[Any], float]:
    """What `study.optimize` of Optuna takes: a function of its trial, which trains and returns the metric to maximize.

    A trial of Optuna is a learning rate and values of the other hyperparameters, each trained with the tuning seeds of
    a race: the same initial parameters and batches for every trial and every optimizer. The value is what a race tunes
    by: the validation metric, averaged over the last quarter of the evaluations and over the seeds, and minus infinity
    where a seed diverged. The test part is not seen. One program is compiled, for all trials.

    Fair comparisons give every optimizer as many trials, and the same sampler; `race` then takes the values found,
    through a function with a name.

    Args:
      optimizer: one, as in `race`: a name, or a pair of a name and a function.
      task: what is trained, a `Task` or the name of one.
      rates: the lowest and the highest learning rate; they are drawn on a logarithmic scale.
      search: ranges of further hyperparameters by name, as in `race`.
      seeds: seeds of each trial.
      steps: steps of each seed; by default the budget of the task.
      seed: the seed that all others are derived from.
      schedule: how the rate changes, as in `race`.
      warmup: the share of the steps in which the rate rises.
      weight_decay: as in `race`, for every optimizer.

    Returns:
      A function of an `optuna.Trial`, for a study whose direction is "maximize".

    Raises:
      RaceError: for whatever `race` refuses, and a hyperparameter that the optimizer does not take.
      EntrantError: if the task cannot be trained with the optimizer.
      MissingExtraError: without the packages that the extra `race` installs.
    """
    require("scipy", "psutil")
    entrants = resolve([optimizer])
    task = task_of(task)
    low, high = _bounds(rates)
    settings = checks.check(
        entrants,
        task,
        rates=[low],
        seeds=seeds,
        final_seeds=2,
        steps=steps,
        seed=seed,
        schedule=schedule,
        warmup=warmup,
        weight_decay=weight_decay,
        search=search or {},
        samples=1 if search else 0,
        mapping="auto",
    )
    (entrant,) = entrants.values()
    if unknown := [each.name for each in settings.search if each.name not in entrant.defaults]:
        known = ", ".join(sorted(entrant.defaults)) or "none"
        raise RaceError(f"search has {unknown[0]!r}, but {entrant.name!r} has no such number; known are {known}.")
    layout = layout_of(settings)
    start = layout.replicate(prepare(task, settings.seed, settings.seeds))
    program = Program(task, entrant, settings, start, Batches(None), layout)

    def value(trial: Any) -> float:
        rate = trial.suggest_float(RATE, low, high, log=True)
        values = tuple(trial.suggest_float(each.name, each.low, each.high, log=each.log) for each in settings.search)
        return _value(measure(program, [Point(rate, values)], settings.seeds, _Silent()))

    return value


def _bounds(rates: Any) -> tuple[float, float]:
    pair = tuple(rates) if isinstance(rates, tuple | list) else ()
    if len(pair) != 2 or not all(is_number(x) and math.isfinite(x) for x in pair) or not 0 < pair[0] < pair[1]:
        raise RaceError(f"rates is {rates!r}, but must be the lowest and the highest rate, two numbers above 0.")
    return float(pair[0]), float(pair[1])


def _value(grid: Grid) -> float:
    return -math.inf if grid.lost.any() else float(grid.metric.mean())


class _Silent:
    """Progress that nobody is told of: Optuna has its own."""

    def phase(self, text: str) -> None: ...

    def advance(self, trials: int) -> None: ...

    def skip(self, trials: int) -> None: ...

    def grow(self, trials: int) -> None: ...
