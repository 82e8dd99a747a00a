"""How long a race will still take."""

import math
from collections.abc import Callable


class Estimate:
    """The time left of a race, from the trials of the optimizers that are finished.

    Compilation is part of the time that an optimizer takes, so only whole optimizers are a measure: before the first is
    finished there is no estimate. The last has no compilation after it, and is measured by itself from its first batch
    of trials on.

    Attributes:
      total: number of trials.
      done: number of those that are finished.
    """

    def __init__(self, total: int, clock: Callable[[], float]) -> None:
        """Starts the clock.

        Args:
          total: number of trials.
          clock: the time in seconds.
        """
        self.total, self.done = total, 0
        self._run = 0  # of those done, the ones that took time
        self._clock, self._start = clock, clock()
        self._name = ""
        self._entered = self._start  # of the optimizer that runs
        self._began: float | None = None  # of the first optimizer with trials
        self._finished = 0
        self._is_last = False
        self._pace: float | None = None  # seconds per trial
        self._first: tuple[float, int] | None = None  # time and `_run` after the first batch of the optimizer that runs
        self._latest, self._batch = self._start, 0

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._start

    def phase(self, optimizer: str, finished: int, of: int) -> None:
        """An optimizer enters a phase, so many of all being finished."""
        now = self._clock()
        if optimizer != self._name:
            self._name, self._entered, self._first = optimizer, now, None
        if finished > self._finished and self._began is not None:
            self._pace = (now - self._began) / self._run
            self._latest = now
        self._finished, self._is_last = finished, finished == of - 1

    def advance(self, trials: int) -> None:
        """A batch of so many trials is finished."""
        self.skip(trials)
        if not trials:
            return
        self._latest, self._batch, self._run = self._clock(), trials, self._run + trials
        if self._began is None:
            self._began = self._entered
        if self._first is None:
            self._first = self._latest, self._run
        elif self._is_last:
            self._pace = (self._latest - self._first[0]) / (self._run - self._first[1])

    def skip(self, trials: int) -> None:
        """So many trials need not be run, which takes no time."""
        self.done += trials
        self.total = max(self.total, self.done)

    def grow(self, trials: int) -> None:
        """There are so many more trials to run."""
        self.total = max(self.total + trials, self.done)

    @property
    def left(self) -> float | None:
        """Seconds, above 0 while trials remain; None as long as there is nothing to go by."""
        remaining = self.total - self.done
        if self._pace is None or not remaining:
            return None
        waited = min((self._clock() - self._latest) / self._pace, self._batch, remaining)
        return max(self._pace * (remaining - waited), 1.0)


def in_words(seconds: float) -> str:
    """A time without more digits than an estimate has: "5 s", "40 s", "3 min", "1 h 20 min"."""
    if seconds <= 57.5:
        return f"{max(1, round(seconds / 5)) * 5} s"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return f"{minutes} min"
    tens = math.ceil(minutes / 10) * 10
    return f"{tens // 60} h {tens % 60} min" if tens % 60 else f"{tens // 60} h"
