"""The settings of a race, checked before anything is computed."""

import dataclasses
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from optax_zoo._checks import is_number
from optax_zoo.race.errors import RaceError
from optax_zoo.race.task import Task, count_examples

RATES = tuple(10 ** (exponent / 2 - 3) for exponent in range(7))
SEEDS, FINAL_SEEDS, STEPS = 5, 10, 600


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
      seed: the seed from which all others follow.
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


def check(
    optimizers: Iterable[str], task: Task, rates: Iterable[float], seeds: int, final_seeds: int, steps: int, seed: int
) -> Settings:
    """The settings, if each is allowed.

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
        steps=_check_count("steps", steps, 1),
        seed=_check_count("seed", seed, 0),
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


def _check_count(name: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value < 2**31:
        raise RaceError(f"{name} is {value!r}, but must be a whole number from {least} to {2**31 - 1}.")
    return int(value)
