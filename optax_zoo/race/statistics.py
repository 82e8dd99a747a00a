"""Figures over seeds."""

import math

import numpy as np


def rounded(value: float) -> float:
    """A mean to six digits, so that the same values in another order, or from another compiler, are a tie."""
    return float(f"{value:.6g}")


def half_width(values: np.ndarray, axis: int = 0) -> np.ndarray:
    """Half the width of the 95 % t-interval of a mean over at least two values along an axis."""
    from scipy import stats

    count = values.shape[axis]
    values = np.asarray(values, float)
    return stats.t.ppf(0.975, count - 1) * np.std(values, axis=axis, ddof=1) / math.sqrt(count)


def steps_to_target(metric: np.ndarray, steps: np.ndarray, target: float) -> float:
    """Median over seeds of the number of steps at which a metric is first seen at a target or above.

    Args:
      metric: by seed and evaluation.
      steps: the number of steps at each evaluation.
      target: the value to reach.

    Returns:
      The number of steps; infinity if half of the seeds or more do not reach the target.
    """
    reached = metric >= target
    first = np.where(reached.any(axis=1), steps[reached.argmax(axis=1)], np.inf)
    return float(np.median(first))
