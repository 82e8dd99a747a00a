"""The settings of a race, checked before anything is computed."""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from optax_zoo._checks import is_number
from optax_zoo.race.task import Task, count_examples
from optax_zoo.running.errors import RaceError

RATES = tuple(10 ** (exponent / 2 - 3) for exponent in range(7))
SEEDS, FINAL_SEEDS = 3, 20
TASK = "digits_deep"
SCHEDULES = ("constant", "cosine", "linear", "inverse_sqrt", "wsd", "one_cycle")
MAPPINGS = ("auto", "map", "vmap")

Space = Mapping[str, tuple[float, float] | tuple[float, float, str]]


class Dimension(NamedTuple):
    """A hyperparameter that is searched, between bounds, on a linear or a logarithmic scale."""

    name: str
    low: float
    high: float
    log: bool


@dataclasses.dataclass(frozen=True)
class Settings:
    """All that the outcome of a race depends on, apart from versions and machine.

    Attributes:
      optimizers: names, in the order in which they run.
      task: name of the task.
      examples: numbers of training, validation and test examples.
      metric: name of the metric.
      batch_size: examples per step.
      target: value of the metric that is timed, or None.
      rates: the grid of learning rates, ascending.
      seeds: number of seeds per rate.
      final_seeds: number of fresh seeds at the best rate.
      steps: steps of each trial.
      seed: the seed that all others are derived from.
      schedule: how the learning rate changes from the one tuned, one of `SCHEDULES`.
      warmup: the share of the steps over which it rises to there, linearly.
      weight_decay: each step shrinks the parameters by this times the learning rate.
      search: the space of further hyperparameters.
      samples: number of candidates of the random search.
      halving: which share of the random points is left after each rung, 1 over this; 0 where all are tried to the end.
      time_budget: seconds of a trial, by which each optimizer has steps of its own; 0 where all take as many.
      own_steps: these, by optimizer; `steps` are then the most.
      mapping: "vmap" if the trials of a device are one vectorized computation, "map" if they are one after the other.
    """

    optimizers: tuple[str, ...]
    task: str
    examples: tuple[int, ...]
    metric: str
    batch_size: int
    target: float | None
    rates: tuple[float, ...]
    seeds: int
    final_seeds: int
    steps: int
    seed: int
    schedule: str
    warmup: float
    weight_decay: float
    search: tuple[Dimension, ...]
    samples: int
    mapping: str
    halving: int = 0
    time_budget: float = 0.0
    own_steps: tuple[tuple[str, int], ...] = ()

    def of(self, optimizer: str) -> "Settings":
        """The settings with the steps of one optimizer."""
        return dataclasses.replace(self, steps=dict(self.own_steps).get(optimizer, self.steps))

    def with_steps(self, steps: Mapping[str, int]) -> "Settings":
        """The settings in which optimizers take steps of their own; `steps` are those of the fastest."""
        return dataclasses.replace(self, steps=max(steps.values()), own_steps=tuple(steps.items()))

    @property
    def budget(self) -> str:
        """The budget of a trial in words."""
        if not self.own_steps:
            return f"{self.steps} step{'' if self.steps == 1 else 's'}"
        return f"{self.time_budget:g} s ({min(steps for _, steps in self.own_steps)} to {self.steps} steps)"


def check(
    optimizers: Iterable[str],
    task: Task,
    *,
    rates: Iterable[float],
    seeds: int,
    final_seeds: int,
    steps: int | None,
    seed: int,
    schedule: str,
    warmup: float,
    weight_decay: float,
    search: Space,
    samples: int,
    mapping: str,
    halving: int | None = None,
    time_budget: float | None = None,
) -> Settings:
    """The settings, if each is allowed; the steps are those of the task where none are given.

    Raises:
      RaceError: for the first that is not; the sentence gives its name, its value and what is allowed.
    """
    return Settings(
        optimizers=tuple(optimizers),
        task=task.name,
        examples=tuple(count_examples(part, getattr(task, part)) for part in ("train", "validation", "test")),
        metric=task.metric_name,
        batch_size=task.batch_size,
        target=None if task.target is None else float(task.target),
        rates=_check_rates(rates),
        seeds=_check_count("seeds", seeds, 1),
        final_seeds=_check_count("final_seeds", final_seeds, 2),
        steps=task.steps if steps is None else _check_count("steps", steps, 1),
        seed=_check_count("seed", seed, 0),
        schedule=_check_choice("schedule", schedule, SCHEDULES),
        warmup=_check_number("warmup", warmup, 1.0),
        weight_decay=_check_number("weight_decay", weight_decay),
        search=tuple(_check_dimension(name, bounds) for name, bounds in search.items()),
        samples=_check_samples(samples, search),
        mapping=_check_mapping(mapping),
        halving=_check_halving(halving, samples),
        time_budget=_check_time(time_budget, steps),
    )


def _check_rates(rates: Iterable[Any]) -> tuple[float, ...]:
    if isinstance(rates, str) or not isinstance(rates, Iterable):
        raise RaceError(f"rates is {rates!r}, but must be a sequence of numbers above 0.")
    given = list(rates)
    for rate in given:
        if not is_number(rate) or not (math.isfinite(rate) and rate > 0):
            raise RaceError(f"rates has {rate!r}, but must hold finite numbers above 0.")
    if not given or len(set(given)) < len(given):
        raise RaceError("rates must hold at least one number, and none twice.")
    return tuple(sorted(float(rate) for rate in given))


def _check_choice(name: str, value: Any, choices: Sequence[str]) -> str:
    if value not in choices:
        raise RaceError(f"{name} is {value!r}, but must be {' or '.join(map(repr, choices))}.")
    return value


def _check_mapping(mapping: Any) -> str:
    """The faster one on the device at hand, unless one is chosen: docs/performance.md has the figures."""
    if _check_choice("mapping", mapping, MAPPINGS) == "auto":
        return "map" if jax.default_backend() == "cpu" else "vmap"
    return mapping


def _check_number(name: str, value: Any, below: float = math.inf) -> float:
    if not is_number(value) or not 0 <= value < below:
        limit = "" if below == math.inf else f" and below {below:g}"
        raise RaceError(f"{name} is {value!r}, but must be a number at least 0{limit}.")
    return float(value)


def _check_dimension(name: str, bounds: Any) -> Dimension:
    """A range of the search space: (low, high), or (low, high, "log")."""
    given = tuple(bounds) if isinstance(bounds, Iterable) and not isinstance(bounds, str) else ()
    log = given[2:] == ("log",)
    numbers = given[:2] if len(given) == 2 or log else ()
    if len(numbers) != 2 or not all(is_number(x) and math.isfinite(x) for x in numbers) or numbers[0] >= numbers[1]:
        raise RaceError(f'search has {bounds!r} for {name}, but must have (low, high) or (low, high, "log").')
    if log and numbers[0] <= 0:
        raise RaceError(f"search has {bounds!r} for {name}, but a logarithmic range must begin above 0.")
    return Dimension(name, float(numbers[0]), float(numbers[1]), log)


def _check_samples(samples: Any, search: Space) -> int:
    count = _check_count("samples", samples, 0)
    if bool(count) != bool(search):
        raise RaceError(f"samples is {count}, but must be above 0 with a search space, and 0 without one.")
    return count


def _check_time(seconds: Any, steps: int | None) -> float:
    if seconds is None:
        return 0.0
    if not is_number(seconds) or not 0 < seconds < math.inf:
        raise RaceError(f"time_budget is {seconds!r}, but must be seconds above 0.")
    if steps is not None:
        raise RaceError(f"time_budget is {seconds!r} and steps is {steps!r}, but only one of them may be given.")
    return float(seconds)


def _check_halving(halving: Any, samples: int) -> int:
    if halving is None:
        return 0
    factor = _check_count("halving", halving, 2)
    if samples < factor:
        raise RaceError(f"halving is {factor}, but samples is {samples}: there must be as many points, or more.")
    return factor


def _check_count(name: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value < 2**31:
        raise RaceError(f"{name} is {value!r}, but must be a whole number from {least} to {2**31 - 1}.")
    return int(value)
