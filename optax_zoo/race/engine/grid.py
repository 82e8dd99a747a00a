"""Outcomes of tuning by point and seed, and which points cannot be told apart from the best."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from optax_zoo.race.engine.program import Point, Program, Progress
from optax_zoo.race.statistics.estimates import rounded
from optax_zoo.race.storage.batches import Trials


@dataclasses.dataclass
class Grid:
    """Outcomes by rate (or other point) and seed, means over the last quarter of the evaluations.

    The last evaluation alone depends on chance: where training is unsteady it may catch a good moment. Rates are added
    as the search goes on, and stay in ascending order.
    """

    rates: np.ndarray
    metric: np.ndarray
    loss: np.ndarray
    diverged: np.ndarray

    def take(self, places: Sequence[int] | np.ndarray) -> "Grid":
        """The points at these places, in this order."""
        return Grid(*(part[[*places]] for part in dataclasses.astuple(self)))

    def add(self, other: "Grid") -> "Grid":
        """Both grids in one, sorted by rate."""
        return self.beside(other).take(np.argsort([*self.rates, *other.rates]))

    def beside(self, other: "Grid") -> "Grid":
        """The points of both, one after the other."""
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)
        return Grid(*(np.concatenate(pair) for pair in pairs))

    @property
    def merits(self) -> list[tuple[float, float]]:
        """What points are compared by: mean metric, then minus the mean loss.

        A point at which a seed diverged is worse than any other.
        """
        metric = np.where(self.lost, -np.inf, self.metric).mean(axis=1)
        loss = np.where(self.lost, np.inf, self.loss).mean(axis=1)
        return [(rounded(float(m)), -float(x)) for m, x in zip(metric, loss, strict=True)]

    @property
    def lost(self) -> np.ndarray:
        """Where training diverged, by point and seed."""
        return self.diverged | ~np.isfinite(self.metric)

    @property
    def best(self) -> int:
        """Index of the best point; among equals the first, which has the lower rate."""
        merits = self.merits
        return max(range(len(merits)), key=lambda i: merits[i])

    @property
    def contenders(self) -> list[int]:
        """Indices of the best point, first, and of those that cannot be told apart from it seed by seed, in order.

        These are the ones whose mean metric is below the best's by no more than half the 95 % t-interval of the
        difference. With a single seed nothing is known about chance, and the best is the only one.
        """
        from scipy import stats

        best, seeds = self.best, self.metric.shape[1]
        if seeds < 2 or self.lost[best].any():
            return [best]
        alive = [i for i in range(len(self.rates)) if i != best and not self.lost[i].any()]
        behind = self.metric[best] - self.metric[alive]
        error = behind.std(axis=1, ddof=1) / seeds**0.5
        near = behind.mean(axis=1) <= stats.t.ppf(0.975, seeds - 1) * error
        return [best, *(i for i, unsure in zip(alive, near, strict=True) if unsure)]

    @property
    def edge(self) -> str | None:
        """ "lower" or "upper" where the best rate has no neighbour on that side; None for a single rate."""
        return self.edge_at(float(self.rates[self.best]))

    def edge_at(self, rate: float) -> str | None:
        """ "lower" or "upper" where a rate has no neighbour on that side; None for a single rate."""
        if len(self.rates) == 1:
            return None
        return {float(self.rates[0]): "lower", float(self.rates[-1]): "upper"}.get(rate)

    def beyond(self, edge: str | None) -> float:
        """The rate beyond an edge, by the same factor as between the last two rates."""
        inner, outer = (1, 0) if edge == "lower" else (-2, -1)
        return float(self.rates[outer] ** 2 / self.rates[inner])


def measure(program: Program, points: Sequence[Point], seeds: int, progress: Progress) -> Grid:
    """Runs every point with the first tuning seeds."""
    return measure_at(program, points, range(seeds), progress)


def measure_at(program: Program, points: Sequence[Point], seeds: Sequence[int], progress: Progress) -> Grid:
    """Runs every point with every seed."""
    each = [point for point in points for _ in seeds]
    return _grid(points, len(seeds), program.run(each, [*seeds] * len(points), progress))


def measure_until(program: Program, points: Sequence[Point], seeds: int, stop: int, progress: Progress) -> Grid:
    """Runs every point with the first tuning seeds, as far as an evaluation."""
    each = [point for point in points for _ in range(seeds)]
    return _grid(points, seeds, program.run_until(stop, each, [*range(seeds)] * len(points), progress))


def _grid(points: Sequence[Point], seeds: int, trials: Trials) -> Grid:
    shape = len(points), seeds

    def late(curves: np.ndarray) -> np.ndarray:
        quarter = max(1, curves.shape[1] // 4)
        return curves[:, -quarter:].astype(float).mean(axis=1).reshape(shape)

    return Grid(
        np.asarray([point.rate for point in points]),
        late(trials.validation_metric),
        late(trials.validation_loss),
        trials.diverged.reshape(shape),
    )
