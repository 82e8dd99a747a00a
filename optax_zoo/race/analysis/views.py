"""What the figures of a race show: bands over seeds, means over rates, and the range in which curves differ."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from optax_zoo.race.rows import Row
from optax_zoo.race.statistics.estimates import interquartile_mean

RESAMPLES = 2000


class Band(NamedTuple):
    """Values over an axis of a figure, and the interval around each; NaN where a seed has diverged."""

    middle: np.ndarray
    low: np.ndarray
    high: np.ndarray


def curve(row: Row) -> Band:
    """Validation metric by evaluation: interquartile mean over the final seeds and its 95 % bootstrap interval."""
    return _over_seeds(np.asarray(row.curve_validation_metric, float))


def sensitivity(row: Row) -> Band:
    """Validation metric by rate: the mean over the tuning seeds, the lowest seed and the highest."""
    values = np.asarray(row.tuning_validation_metric, float)
    values = np.where(np.any(row.tuning_diverged, axis=1, keepdims=True), np.nan, values)
    return Band(values.mean(axis=1), values.min(axis=1), values.max(axis=1))


def tuned(row: Row) -> tuple[float, float, float] | None:
    """Interquartile mean of the test metric as tuned, and its interval; None if there is no such figure."""
    if row.test_metric is None or row.test_metric_interval is None:
        return None
    return row.test_metric, *row.test_metric_interval


def why_no_figure(row: Row) -> str:
    """What is shown in place of a figure as tuned."""
    if row.failure:
        return "could not run"
    return "diverged at every rate" if row.best_rate is None else "diverged at a final seed"


def why_no_default(row: Row) -> str:
    """What is shown in place of a figure at defaults."""
    if row.failure:
        return "could not run"
    return "no default rate" if row.default_rate is None else "diverged"


def at_defaults(row: Row) -> tuple[float, float, float] | None:
    """Interquartile mean of the test metric at the default rate, and its interval; None if there is no such figure."""
    band = _over_seeds(np.asarray(row.default_test_metric, float)[:, None]) if row.default_test_metric else None
    if band is None or not np.isfinite(band.middle[0]):
        return None
    return float(band.middle[0]), float(band.low[0]), float(band.high[0])


def focus(values: Iterable[np.ndarray], seen: Sequence[float] = ()) -> tuple[float, float] | None:
    """The range in which curves differ: the lowest quarter of all points may fall below, but nothing that is `seen`.

    None without points.
    """
    points = np.concatenate([*values, np.empty(0)])
    points = points[np.isfinite(points)]
    if not points.size:
        return None
    low, high = min([float(np.quantile(points, 0.25)), *seen]), max([float(points.max()), *seen])
    margin = 0.08 * (high - low) or 0.01
    return low - margin, high + margin


def seen(target: float | None, bands: Iterable[Band], count: int) -> list[float]:
    """What a figure of curves must show: the tops of the first bands, and the target if a curve reaches it."""
    bands = list(bands)
    tops = [float(np.nanmax(band.high)) for band in bands[:count] if np.isfinite(band.high).any()]
    return [*tops, *([target] if target is not None and any((x.middle >= target).any() for x in bands) else [])]


def _over_seeds(values: np.ndarray) -> Band:
    """The interquartile mean over the first axis and its 95 % percentile bootstrap interval."""
    from scipy import stats

    finite = np.isfinite(values).all(axis=0)
    band = Band(*np.full((3, values.shape[1]), np.nan))
    if finite.any():
        values = values[:, finite]
        found = stats.bootstrap(
            (values,), interquartile_mean, n_resamples=RESAMPLES, method="percentile", vectorized=True, axis=0, rng=0
        ).confidence_interval
        for part, filled in zip(band, (interquartile_mean(values, axis=0), found.low, found.high), strict=True):
            part[finite] = filled
    return band
