"""The outcomes of races as arrays, and what follows from them across tasks."""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from optax_zoo.race.rows import Raced, Row
from optax_zoo.race.statistics.estimates import interquartile_mean, percentile_interval, rounded, stratified_counts


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What some optimizers achieved on a task; the first axis of arrays is the optimizer.

    Attributes:
      task: its name.
      metric: test metric by final seed, minus infinity where training diverged.
      untrained: the test metric before training; the lowest run where it is unknown.
      ranks: 1 for the best test metric; ties share their mean rank.
      steps: median steps to the target, infinite where it is not reached; None without a target.
    """

    task: str
    metric: np.ndarray
    untrained: float
    ranks: np.ndarray
    steps: np.ndarray | None

    @classmethod
    def of(cls, result: Raced, names: Sequence[str]) -> "Outcome":
        """The outcome of the named optimizers."""
        from scipy import stats

        rows, settings = [result[name] for name in names], result.settings
        metric = np.array([_runs(row, settings.final_seeds) for row in rows])
        untrained = [row.untrained_test_metric for row in rows if row.untrained_test_metric is not None]
        merit = [-np.inf if row.test_metric is None else rounded(row.test_metric) for row in rows]
        steps = [np.inf if row.steps_to_target is None else row.steps_to_target for row in rows]
        return cls(
            settings.task,
            metric,
            float(np.median(untrained) if untrained else metric.min(where=np.isfinite(metric), initial=np.inf)),
            stats.rankdata(-np.array(merit)),
            None if settings.target is None else np.array(steps, float),
        )

    @property
    def timed(self) -> bool:
        """Whether there is a target that an optimizer reached."""
        return self.steps is not None and bool(np.isfinite(self.steps).any())

    @property
    def scores(self) -> np.ndarray:
        """Normalized scores by final seed."""
        best = interquartile_mean(self.metric).max()
        if not best > self.untrained:
            return np.zeros(self.metric.shape)
        return np.maximum((self.metric - self.untrained) / (best - self.untrained), 0.0)

    @property
    def ratios(self) -> np.ndarray:
        """Steps to the target over the least of any optimizer; of a task that is timed."""
        assert self.steps is not None
        return self.steps / self.steps.min()


def share_above(scores: np.ndarray, counts: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """The share of an optimizer's runs that score above each threshold, and the ends of its bootstrap interval.

    Args:
      scores: of all runs, task after task.
      counts: the `stratified_counts` of these runs.
      thresholds: of scores.

    Returns:
      Share, lower and upper end, each by threshold.
    """
    above = scores[:, None] > thresholds
    low, high = percentile_interval(counts @ above / len(scores))
    return np.array([above.mean(axis=0), low, high])


def improvements(metrics: Sequence[np.ndarray]) -> Iterator[tuple[int, int, np.ndarray]]:
    """The probability that a run of an optimizer beats one of another, averaged over tasks, ties counted half.

    The same seeds are drawn for both optimizers, as they share initial parameters and batches.

    Args:
      metrics: by task, the metric by optimizer and run.

    Yields:
      For each pair of optimizers, the first before the second, their indices and the probability with the ends of its
      bootstrap interval.
    """
    sizes = [metric.shape[1] for metric in metrics]
    counts = np.split(stratified_counts(sizes), np.cumsum(sizes)[:-1], axis=1)
    for first, second in itertools.combinations(range(len(metrics[0])), 2):
        wins = [_wins(metric[first], metric[second]) for metric in metrics]
        resampled = [((count @ win) * count).sum(axis=1) / win.size for count, win in zip(counts, wins, strict=True)]
        interval = percentile_interval(np.mean(resampled, axis=0))
        yield first, second, np.array([np.mean([win.mean() for win in wins]), *interval])


def _wins(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """1 where a run of the first (by row) is above one of the second (by column), 0.5 where they are equal."""
    return np.greater.outer(first, second) + 0.5 * np.equal.outer(first, second)


def _runs(row: Row, seeds: int) -> np.ndarray:
    """The test metric by final seed, minus infinity where training diverged, as at all of them without a rate."""
    metric = np.array(row.final_test_metric or (None,) * seeds, float)
    return np.where(np.isfinite(metric), metric, -np.inf)
