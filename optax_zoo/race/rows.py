"""The figures of a race: a row for each optimizer."""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from optax_zoo.race.settings import Settings
from optax_zoo.race.statistics.estimates import interquartile_mean, rounded
from optax_zoo.race.statistics.permutations import permutation_p_values

Values = tuple[float | None, ...]
Table = tuple[Values, ...]
WORSENED = "tuned worse than default"
GONE = ("milliseconds_per_step",)  # fields of results that earlier versions wrote


@dataclasses.dataclass(frozen=True)
class Row:
    """What one optimizer achieved. Numbers that are NaN or infinite are None, here and in results.jsonl.

    Attributes:
      optimizer: its name.
      composition: the optimizer at the chosen rate and hyperparameters, as code.
      best_rate: the learning rate chosen on validation; None if trials diverged at every rate.
      best_values: the further hyperparameters chosen on validation, by name; empty if none were searched, or if their
        defaults were best.
      edge: "lower" or "upper" if the best rate is at an edge of the grid even after the last extension allowed: a rate
        beyond may be better.
      validation_metric: mean over the tuning seeds at the best rate.
      test_metric: interquartile mean over the final seeds; None if one of them diverged.
      test_metric_interval: lower and upper end of its 95 % bootstrap interval.
      test_loss: mean over the final seeds.
      untrained_test_metric: mean over the final seeds before the first step.
      steps_to_target: median over the final seeds; None if half of them or more do not reach the target.
      state_bytes: bytes of state per parameter; None if it could not be trained.
      seconds: wall time of this optimizer; its program may have been compiled before, while others ran.
      diverged_rates: number of rates at which a seed diverged.
      diverged_final_seeds: number of final seeds that diverged.
      default_rate: the learning rate that the optimizer has by default; None if it has none.
      default_test_metric: by final seed, at `default_rate` and the default hyperparameters; NaN (here None) where
        training diverged, empty without a default rate.
      rates: the grid with its extensions, ascending.
      tuning_validation_metric: by rate and seed, the mean over the last quarter of the evaluations.
      tuning_validation_loss: by rate and seed, the mean over the last quarter of the evaluations.
      tuning_diverged: by rate and seed.
      search_rates: the learning rates of the random search, by candidate.
      search_values: the further hyperparameters of the random search by name, by candidate.
      search_validation_metric: by candidate and seed, like `tuning_validation_metric`.
      search_validation_loss: by candidate and seed, like `tuning_validation_loss`.
      search_diverged: by candidate and seed.
      final_seeds: the seeds of the reported figures, as indices after those of tuning.
      final_test_metric: by final seed.
      final_test_loss: by final seed.
      final_diverged: by final seed.
      final_steps_to_target: by final seed, the number of steps after which the target was first seen to be reached;
        None where it was not.
      curve_steps: the number of steps at each evaluation.
      curve_train_loss: by final seed and evaluation, the mean since the evaluation before.
      curve_validation_loss: by final seed and evaluation.
      curve_validation_metric: by final seed and evaluation.
      contender_rates: learning rates of the points that could not be told apart from the best on validation, the chosen
        one first. These five are empty in results of versions that did not keep them.
      contender_values: their further hyperparameters by name.
      contender_validation_metric: by contender and tuning seed, of which there are more than at other points; like
        `tuning_validation_metric`.
      contender_validation_loss: by contender and tuning seed.
      contender_test_metric: by contender and final seed; NaN (here None) where training diverged.
      fingerprint: how it answers some made-up gradients; optimizers with the same are one algorithm. Empty in results
        of versions that did not keep it.
      failure: why it could not be trained, in which case there are no figures; empty if it could.
    """

    optimizer: str
    composition: str
    best_rate: float | None
    best_values: Mapping[str, float]
    edge: str | None
    validation_metric: float | None
    test_metric: float | None
    test_metric_interval: tuple[float, float] | None
    test_loss: float | None
    untrained_test_metric: float | None
    steps_to_target: float | None
    state_bytes: float | None
    seconds: float
    diverged_rates: int
    diverged_final_seeds: int
    default_rate: float | None
    default_test_metric: Values = dataclasses.field(repr=False)
    rates: Values = dataclasses.field(repr=False)
    tuning_validation_metric: Table = dataclasses.field(repr=False)
    tuning_validation_loss: Table = dataclasses.field(repr=False)
    tuning_diverged: tuple[tuple[bool, ...], ...] = dataclasses.field(repr=False)
    search_rates: Values = dataclasses.field(repr=False)
    search_values: tuple[Mapping[str, float], ...] = dataclasses.field(repr=False)
    search_validation_metric: Table = dataclasses.field(repr=False)
    search_validation_loss: Table = dataclasses.field(repr=False)
    search_diverged: tuple[tuple[bool, ...], ...] = dataclasses.field(repr=False)
    final_seeds: tuple[int, ...] = dataclasses.field(repr=False)
    final_test_metric: Values = dataclasses.field(repr=False)
    final_test_loss: Values = dataclasses.field(repr=False)
    final_diverged: tuple[bool, ...] = dataclasses.field(repr=False)
    final_steps_to_target: Values = dataclasses.field(repr=False)
    curve_steps: tuple[int, ...] = dataclasses.field(repr=False)
    curve_train_loss: Table = dataclasses.field(repr=False)
    curve_validation_loss: Table = dataclasses.field(repr=False)
    curve_validation_metric: Table = dataclasses.field(repr=False)
    contender_rates: Values = dataclasses.field(default=(), repr=False)
    contender_values: tuple[Mapping[str, float], ...] = dataclasses.field(default=(), repr=False)
    contender_validation_metric: Table = dataclasses.field(default=(), repr=False)
    contender_validation_loss: Table = dataclasses.field(default=(), repr=False)
    contender_test_metric: Table = dataclasses.field(default=(), repr=False)
    fingerprint: Values = dataclasses.field(default=(), repr=False)
    failure: str = ""

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "Row":
        """A row from plain values, arrays, or what JSON gives back; what only earlier versions kept is left out.

        Raises:
          TypeError: if a field is unknown or absent.
        """
        return cls(**{name: _plain(value) for name, value in fields.items() if name not in GONE})

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know besides the figures."""
        if self.failure:
            return (f"could not run: {self.failure}",)
        notes = []
        if self.diverged_rates:
            notes.append(f"diverged at {self.diverged_rates} of {len(self.rates)} rates")
        if self.diverged_final_seeds:
            notes.append(f"diverged at {self.diverged_final_seeds} of {len(self.final_seeds)} final seeds")
        if self.edge:
            notes.append(f"best at the {self.edge} edge of the grid, after all extensions")
        return (*notes, *self._worse_than_default())

    def _worse_than_default(self) -> Iterator[str]:
        """Whether tuning has made it worse, judging by the figures of both, and whether that may be chance."""
        if self.test_metric is None or not self.default_test_metric or None in self.default_test_metric:
            return
        default = np.array(self.default_test_metric, float)
        loss = rounded(float(interquartile_mean(default)) - self.test_metric)
        if loss <= 0:
            return
        (p_value,) = permutation_p_values((default - np.array(self.final_test_metric, float))[None])
        sure = "" if p_value < 0.05 else ", which may be chance"
        yield (
            f"{WORSENED}: its rate of {self.best_rate:.3g} is {loss:.2g} behind the default of "
            f"{self.default_rate:.3g} at the same fresh seeds (p = {p_value:.2g}{sure})"
        )


@dataclasses.dataclass(frozen=True)
class Raced:
    """The figures of a race, of which `Result` is the one that prints as a table.

    Attributes:
      settings: what was raced.
      rows: one for each optimizer, the best first.
      record: versions, machine and command line, as in race.json.
    """

    settings: Settings
    rows: tuple[Row, ...]
    record: Mapping[str, Any]

    def __getitem__(self, optimizer: str) -> Row:
        """The row of an optimizer.

        Raises:
          KeyError: if it did not take part.
        """
        return {row.optimizer: row for row in self.rows}[optimizer]


def rank(row: Row) -> tuple[Any, ...]:
    """The sorting key of a table: by test metric, then loss; those that diverged come last, by name."""
    metric, loss = row.test_metric, row.test_loss
    return (
        metric is None,
        -rounded(metric or 0.0),
        math.inf if loss is None else loss,
        row.best_rate is None,
        row.failure != "",
        row.optimizer,
    )


def _plain(value: Any) -> Any:
    """Python values: arrays and lists as tuples, NaN and infinity as None."""
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return tuple(_plain(item) for item in value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
