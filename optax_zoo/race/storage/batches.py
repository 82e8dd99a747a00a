"""trials.jsonl: every batch of trials, on the disk as soon as it is finished."""

import collections
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from optax_zoo.race.storage.lines import Lines
from optax_zoo.running.errors import RaceError


class Key(NamedTuple):
    """What tells the trials of an optimizer apart.

    Attributes:
      rate: learning rate, a number that float32 holds exactly.
      values: the searched hyperparameters, such numbers too, in the order of the program's names.
      seed: index into the seeds of the race.
    """

    rate: float
    values: tuple[float, ...]
    seed: int

    @classmethod
    def of(cls, rate: float, values: Iterable[float], seed: int) -> "Key":
        """The key of a trial that runs with these numbers in float32."""
        return cls(_in_float32(rate), tuple(map(_in_float32, values)), int(seed))


class Trials(NamedTuple):
    """Outcomes, with the trials on the leading axis and evaluations on the second.

    Attributes:
      train_loss: mean loss of the batches since the evaluation before.
      validation_loss: loss on the validation part.
      validation_metric: metric on the validation part.
      test_loss: loss on the test part after the last step.
      test_metric: metric on the test part after the last step.
      diverged: whether a loss or a parameter was NaN or infinite at any time.
    """

    train_loss: Any
    validation_loss: Any
    validation_metric: Any
    test_loss: Any
    test_metric: Any
    diverged: Any


class Batches:
    """The finished trials of a race: one line of trials.jsonl for each batch.

    Numbers come back exactly, but for infinity, which is NaN: at once, and not just after a resume, so that both give
    the same outcome.
    """

    def __init__(self, path: Path | None) -> None:
        """Reads the batches that are there.

        Args:
          path: the file; if None, batches are kept in memory only.

        Raises:
          RaceError: if a line is not a batch of trials; a torn last line is dropped.
          OSError: if the file cannot be read.
        """
        self._lines = None if path is None else Lines(path)
        self._known: dict[str, dict[Key, Trials]] = collections.defaultdict(dict)
        self._timings: dict[str, list[tuple[float, int]]] = collections.defaultdict(list)
        for line in [] if self._lines is None else self._lines.read():
            try:
                self._take(json.loads(line))
            except (ValueError, TypeError, KeyError) as error:
                raise RaceError(
                    f"cannot resume: {str(path)!r} holds a line that is not a batch of trials ({error})."
                ) from None

    def known(self, optimizer: str) -> Mapping[Key, Trials]:
        """The finished trials of an optimizer: float32 [evaluation] or [], and bool []; infinity is NaN.

        Those that are added later appear in it.
        """
        return self._known[optimizer]

    def timings(self, optimizer: str) -> Sequence[tuple[float, int]]:
        """For each finished batch of an optimizer its wall time in seconds and its number of trials."""
        return self._timings[optimizer]

    def content(self) -> list[dict[str, Any]]:
        """All batches of the file, as JSON has them: what another process needs to continue from there."""
        return [] if self._lines is None else [json.loads(line) for line in self._lines.read()]

    def extend(self, batches: Iterable[Mapping[str, Any]]) -> None:
        """Adds what `content` has returned, in memory only."""
        for batch in batches:
            self._take(batch)

    def add(self, optimizer: str, keys: Sequence[Key], trials: Trials, seconds: float) -> None:
        """Adds a batch, which is on the disk when this returns.

        Args:
          optimizer: name.
          keys: of the trials, made by `Key.of`.
          trials: float32 [trial, evaluation] or [trial], and bool [trial].
          seconds: wall time of the batch.

        Raises:
          RaceError: if it cannot be written; earlier batches are kept.
        """
        batch = {
            "optimizer": optimizer,
            "seconds": float(seconds),
            "keys": [list(key) for key in keys],
            **{name: _plain(np.asarray(values)) for name, values in trials._asdict().items()},
        }
        if self._lines is not None:
            self._lines.add(json.dumps(batch, allow_nan=False))
        self._take(batch)

    def _take(self, batch: Mapping[str, Any]) -> None:
        keys = [Key.of(*key) for key in batch["keys"]]
        columns = [_array(batch[name]) for name in Trials._fields]
        for name, column in zip(Trials._fields, columns, strict=True):
            if len(column) != len(keys):
                raise ValueError(f"{name} has {len(column)} trials instead of {len(keys)}")
        self._timings[batch["optimizer"]].append((float(batch["seconds"]), len(keys)))
        for number, key in enumerate(keys):
            self._known[batch["optimizer"]][key] = Trials(*(column[number] for column in columns))


def _in_float32(number: float) -> float:
    return float(np.float32(number))


def _plain(values: np.ndarray) -> list[Any]:
    """Lists of Python's numbers; NaN and infinity are None. A float32 is a float exactly."""
    if values.dtype == bool:
        return values.tolist()
    single = values.astype(np.float32)
    numbers = single.astype(object)
    numbers[~np.isfinite(single)] = None
    return numbers.tolist()


def _array(values: list[Any]) -> np.ndarray:
    """The inverse of `_plain`, with NaN for None."""
    if values and isinstance(values[0], bool):
        return np.asarray(values, bool)
    return np.asarray(values, object).astype(np.float32)
