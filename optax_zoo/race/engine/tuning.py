"""From a grid of learning rates, and a random search, to the best point, and on to the figures at fresh seeds."""

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from optax_zoo.race.analysis.statistics import (
    bootstrap_interval,
    first_reaching,
    interquartile_mean,
    rounded,
)
from optax_zoo.race.engine.program import Point, Program, Progress
from optax_zoo.race.engine.protocol import own_values
from optax_zoo.race.engine.trials import Trials, evaluation_steps
from optax_zoo.race.rows import Row
from optax_zoo.race.settings import Dimension, Settings

MAX_EXTENSIONS = 4


@dataclasses.dataclass
class Grid:
    """Outcomes by rate (or other point) and seed, means over the last quarter of the evaluations.

    The last evaluation alone is chance: where training is unsteady it may be a good moment. Rates are added as the
    search goes on, and are ascending then.
    """

    rates: np.ndarray
    metric: np.ndarray
    loss: np.ndarray
    diverged: np.ndarray

    def add(self, other: "Grid") -> "Grid":
        """Both grids in one, sorted by rate."""
        order = np.argsort([*self.rates, *other.rates])
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)
        return Grid(*(np.concatenate(pair)[order] for pair in pairs))

    @property
    def merits(self) -> list[tuple[float, float]]:
        """What points are compared by: mean metric, then minus the mean loss.

        A point at which a seed diverged is worse than any other.
        """
        worst = self.diverged | ~np.isfinite(self.metric)
        metric = np.where(worst, -np.inf, self.metric).mean(axis=1)
        loss = np.where(worst, np.inf, self.loss).mean(axis=1)
        return [(rounded(float(m)), -float(x)) for m, x in zip(metric, loss, strict=True)]

    @property
    def best(self) -> int:
        """Index of the best point, of equals the first: the lower rate."""
        merits = self.merits
        return max(range(len(merits)), key=lambda i: merits[i])

    @property
    def edge(self) -> str | None:
        """ "lower" or "upper" where the best rate has no neighbour on that side; None for a single rate."""
        if len(self.rates) == 1:
            return None
        return {0: "lower", len(self.rates) - 1: "upper"}.get(self.best)

    @property
    def next_rate(self) -> float:
        """The rate beyond the edge, by the same factor as from the rate before to the edge."""
        inner, outer = (1, 0) if self.edge == "lower" else (-2, -1)
        return float(self.rates[outer] ** 2 / self.rates[inner])


@dataclasses.dataclass
class Tuned:
    """The outcome of tuning.

    Attributes:
      grid: of the learning rates, at the default hyperparameters.
      candidates: points of the random search.
      search: their outcomes; None without a search.
    """

    grid: Grid
    candidates: list[Point]
    search: Grid | None
    defaults: tuple[float, ...]

    @property
    def searched_is_better(self) -> bool:
        """Whether the best candidate of the search beats the grid."""
        return self.search is not None and max(self.search.merits) > max(self.grid.merits)

    @property
    def point(self) -> Point:
        """The best of all points; of equals that of the grid."""
        if self.search is not None and self.searched_is_better:
            return self.candidates[self.search.best]
        return Point(float(self.grid.rates[self.grid.best]), self.defaults)

    @property
    def validation_metric(self) -> np.ndarray:
        """By seed, at the best point."""
        better = self.search if self.search is not None and self.searched_is_better else self.grid
        return better.metric[better.best]

    @property
    def diverged(self) -> bool:
        """Whether there is no point at which no seed diverged."""
        better = self.search if self.search is not None and self.searched_is_better else self.grid
        return bool(better.diverged[better.best].any())


def measure(program: Program, points: Sequence[Point], seeds: int, progress: Progress) -> Grid:
    """Runs every point with every tuning seed."""
    each = [point for point in points for _ in range(seeds)]
    trials = program.run(each, list(range(seeds)) * len(points), progress)
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


def tune(program: Program, settings: Settings, progress: Progress) -> Tuned:
    """Measures the grid, extends it while its best is at an edge (`MAX_EXTENSIONS` times at most), and searches."""
    progress.phase("tuning")
    defaults = program.defaults
    grid = measure(program, [Point(rate, defaults) for rate in settings.rates], settings.seeds, progress)
    for _ in range(MAX_EXTENSIONS):
        if grid.edge is None:
            break
        progress.phase(f"extending to {grid.next_rate:.3g}")
        progress.grow(settings.seeds)
        grid = grid.add(measure(program, [Point(grid.next_rate, defaults)], settings.seeds, progress))
    if not settings.samples:
        return Tuned(grid, [], None, defaults)
    progress.phase("searching")
    candidates = draw_candidates(program.names, settings, grid)
    return Tuned(grid, candidates, measure(program, candidates, settings.seeds, progress), defaults)


def draw_candidates(names: Sequence[str], settings: Settings, grid: Grid) -> list[Point]:
    """Points of the random search: rates within a step of the grid around its best, hyperparameters in their ranges.

    The draws are the same for all optimizers; one without a hyperparameter of the space has rates only, and so as many
    trials as any other.
    """
    step = grid.rates[1] / grid.rates[0] if len(grid.rates) > 1 else 10**0.5
    draws = np.random.default_rng(settings.seed).random((settings.samples, 1 + len(settings.search)))
    points = []
    for first, *others in draws.tolist():
        values = {each.name: _between(each, u) for each, u in zip(settings.search, others, strict=True)}
        rate = float(grid.rates[grid.best] * step ** (2 * first - 1))
        points.append(Point(rate, tuple(values[name] for name in names)))
    return points


def _between(dimension: Dimension, share: float) -> float:
    low, high = dimension.low, dimension.high
    if dimension.log:
        return float(low * (high / low) ** share)
    return low + (high - low) * share


def enter(program: Program, settings: Settings, untrained: np.ndarray, progress: Progress) -> Row:
    """The race of one optimizer: tuning, then the best point, and the defaults, with fresh seeds."""
    began = time.perf_counter()
    tuned = tune(program, settings, progress)
    seeds = list(range(settings.seeds, settings.seeds + settings.final_seeds))
    final, at_defaults = _fresh(program, tuned, seeds, progress)
    rate, values = tuned.point if final is not None else (float(settings.rates[0]), program.defaults)
    chosen = dict(zip(program.names, values, strict=True)) if tuned.searched_is_better else {}
    search = tuned.search
    return Row.of(
        {
            "optimizer": program.entrant.name,
            "composition": program.entrant.composition(rate, {**own_values(program.entrant, settings), **chosen}),
            "best_values": chosen,
            "state_bytes": program.state_bytes,
            "milliseconds_per_step": program.milliseconds_per_step,
            "untrained_test_metric": untrained[seeds].astype(float).mean(),
            "default_rate": program.entrant.default_rate,
            "default_test_metric": () if at_defaults is None else _or_nan(at_defaults.test_metric, at_defaults),
            "diverged_rates": int(tuned.grid.diverged.any(axis=1).sum()),
            "rates": tuned.grid.rates,
            "tuning_validation_metric": tuned.grid.metric,
            "tuning_validation_loss": tuned.grid.loss,
            "tuning_diverged": tuned.grid.diverged,
            "search_rates": [point.rate for point in tuned.candidates],
            "search_values": [dict(zip(program.names, point.values, strict=True)) for point in tuned.candidates],
            "search_validation_metric": () if search is None else search.metric,
            "search_validation_loss": () if search is None else search.loss,
            "search_diverged": () if search is None else search.diverged,
            "curve_steps": evaluation_steps(settings.steps),
            **(_nothing() if final is None else _figures(tuned, final, seeds, settings)),
            "seconds": time.perf_counter() - began,
        }
    )


def _fresh(
    program: Program, tuned: Tuned, seeds: Sequence[int], progress: Progress
) -> tuple[Trials | None, Trials | None]:
    """The outcomes with fresh seeds at the best point (None if there is none) and at the defaults (likewise)."""
    progress.phase("final seeds")
    rate = program.entrant.default_rate
    points = [None if tuned.diverged else tuned.point, None if rate is None else Point(rate, program.defaults)]
    if tuned.diverged:
        progress.grow(-len(seeds))
    each = [point for point in points if point is not None for _ in seeds]
    if not each:
        return None, None
    trials = program.run(each, list(seeds) * (len(each) // len(seeds)), progress)
    parts = [Trials(*(x[i : i + len(seeds)] for x in trials)) for i in range(0, len(each), len(seeds))]
    outcomes = [None if point is None else parts.pop(0) for point in points]
    return outcomes[0], outcomes[1]


def _or_nan(values: np.ndarray, trials: Trials) -> np.ndarray:
    return np.where(trials.diverged, np.nan, values).astype(float)


def _figures(tuned: Tuned, final: Trials, seeds: Sequence[int], settings: Settings) -> dict[str, Any]:
    metric, loss = _or_nan(final.test_metric, final), _or_nan(final.test_loss, final)
    finite = bool(np.isfinite(metric).all())
    steps = np.full(len(seeds), np.inf)
    if settings.target is not None:
        reached = np.where(final.diverged[:, None], -np.inf, final.validation_metric)
        steps = first_reaching(reached, evaluation_steps(settings.steps), settings.target)
    return {
        "best_rate": tuned.point.rate,
        "edge": tuned.grid.edge,
        "validation_metric": tuned.validation_metric.mean(),
        "test_metric": interquartile_mean(metric) if finite else None,
        "test_metric_interval": bootstrap_interval(metric) if finite else None,
        "test_loss": loss.mean(),
        "steps_to_target": np.median(steps),
        "diverged_final_seeds": int(final.diverged.sum()),
        "final_seeds": seeds,
        "final_test_metric": metric,
        "final_test_loss": loss,
        "final_diverged": final.diverged,
        "final_steps_to_target": steps,
        "curve_train_loss": final.train_loss,
        "curve_validation_loss": final.validation_loss,
        "curve_validation_metric": final.validation_metric,
    }


def _nothing() -> dict[str, Any]:
    """The figures of an optimizer that diverged at every rate."""
    single = ("best_rate", "edge", "validation_metric", "test_metric", "test_metric_interval", "test_loss")
    several = ("final_seeds", "final_test_metric", "final_test_loss", "final_diverged", "final_steps_to_target")
    curves = ("curve_train_loss", "curve_validation_loss", "curve_validation_metric")
    return {
        "steps_to_target": None,
        "diverged_final_seeds": 0,
        **dict.fromkeys(single),
        **dict.fromkeys(several + curves, ()),
    }
