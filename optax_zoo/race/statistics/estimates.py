"""Figures over seeds."""

import math
from collections.abc import Callable, Sequence

import numpy as np

RESAMPLES = 2000


def rounded(value: float) -> float:
    """A mean to six digits, so that the same values in another order, or from another compiler, are a tie."""
    return float(f"{value:.6g}")


def interquartile_mean(values: np.ndarray, axis: int = -1) -> np.ndarray:
    """The mean of what is left without the lowest and the highest quarter (rounded down) of the values."""
    from scipy import stats

    return stats.trim_mean(np.asarray(values, float), 0.25, axis=axis)


def bootstrap_interval(values: np.ndarray) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of the interquartile mean of at least two finite values.

    The resamples are drawn from a fixed seed: the same values give the same interval.
    """
    from scipy import stats

    values = np.asarray(values, float)
    found = stats.bootstrap(
        (values,), interquartile_mean, n_resamples=9999, method="percentile", vectorized=True, rng=0
    )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def stratified_resamples(sizes: Sequence[int]) -> np.ndarray:
    """Indices of runs drawn with replacement from their own task, from a fixed seed.

    Args:
      sizes: number of runs by task; the runs of all tasks stand one after the other.

    Returns:
      By resample and run; each task has as many runs in a resample as it has.
    """
    random = np.random.default_rng(0)
    starts = np.cumsum(sizes) - sizes
    drawn = [start + random.integers(size, size=(RESAMPLES, size)) for start, size in zip(starts, sizes, strict=True)]
    return np.concatenate(drawn, axis=1)


def stratified_counts(sizes: Sequence[int]) -> np.ndarray:
    """How often each run is in each of the `stratified_resamples`, by resample and run."""
    drawn = stratified_resamples(sizes)
    counts = np.zeros(drawn.shape)
    np.add.at(counts, (np.arange(len(drawn))[:, None], drawn), 1)
    return counts


def stratified_interval(
    values: np.ndarray, sizes: Sequence[int], statistic: Callable[..., np.ndarray] = interquartile_mean
) -> tuple[np.ndarray, np.ndarray]:
    """The 95 % percentile bootstrap interval of a statistic of the runs of several tasks, resampled task by task.

    Args:
      values: by anything, and by run on the last axis, task after task.
      sizes: number of runs by task.
      statistic: of `(values, axis=-1)`.

    Returns:
      The lower and the upper end, by anything.
    """
    drawn = np.asarray(values, float)[..., stratified_resamples(sizes)]
    return percentile_interval(statistic(drawn, axis=-1), axis=-1)


def percentile_interval(statistics: np.ndarray, axis: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The ends between which the middle 95 % of a statistic's resamples are."""
    low, high = np.quantile(statistics, (0.025, 0.975), axis=axis)
    return low, high


def expanded_interval(resampled: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The 95 % percentile interval of a mean over few values, widened to what Student's t asks for.

    Source: T. Hesterberg: What Teachers Should Know About the Bootstrap. The American Statistician, 2015 (expanded
    percentile interval).

    Args:
      resampled: the mean by resample, and by anything on the second axis.
      count: of the values that each is a mean of; a single one gives no width.
    """
    from scipy import stats

    if count < 2:
        return percentile_interval(resampled)
    tail = stats.norm.cdf(-math.sqrt(count / (count - 1)) * stats.t.ppf(0.975, count - 1))
    low, high = np.quantile(resampled, (tail, 1 - tail), axis=0)
    return low, high


def half_width(values: np.ndarray, axis: int = 0) -> np.ndarray:
    """Half the width of the 95 % t-interval of a mean over at least two values along an axis."""
    from scipy import stats

    count = values.shape[axis]
    values = np.asarray(values, float)
    return stats.t.ppf(0.975, count - 1) * np.std(values, axis=axis, ddof=1) / math.sqrt(count)


def first_reaching(metric: np.ndarray, steps: np.ndarray, target: float) -> np.ndarray:
    """By seed, the number of steps at which a metric is first seen at a target or above.

    Args:
      metric: by seed and evaluation.
      steps: the number of steps at each evaluation.
      target: the value to reach.

    Returns:
      The numbers of steps; infinity for a seed that does not reach the target.
    """
    reached = metric >= target
    return np.where(reached.any(axis=1), steps[reached.argmax(axis=1)], np.inf)
