"""From a grid of learning rates and a random search to the points that may be best."""

import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from optax_zoo.race.engine.grid import Grid, measure, measure_at
from optax_zoo.race.engine.halving import survivors
from optax_zoo.race.engine.program import Point, Program, Progress
from optax_zoo.race.settings import Dimension, Settings

MAX_EXTENSIONS = 4
FACTOR = 1.0  # a default learning rate from here on is a factor on one that the optimizer finds itself
MOST_SEEDS = 4  # times the usual number


class Field(NamedTuple):
    """The points that cannot be told apart on validation, with more tuning seeds than the others.

    Attributes:
      points: the best first.
      grid: their outcomes, in this order, by seed of `tuning_seeds`.
    """

    points: list[Point]
    grid: Grid


@dataclasses.dataclass
class Tuned:
    """The outcome of tuning.

    Attributes:
      grid: of the learning rates, at the default hyperparameters and the first tuning seeds.
      candidates: points of the random search; with halving those that were tried to the end.
      search: their outcomes; None without a search.
      field: what is left of both.
    """

    grid: Grid
    candidates: list[Point]
    search: Grid | None
    field: Field

    @property
    def point(self) -> Point:
        """The best of all points."""
        return self.field.points[0]

    @property
    def searched_is_better(self) -> bool:
        """Whether the best point is one of the search."""
        return self.point in self.candidates

    @property
    def edge(self) -> str | None:
        """The edge of the grid at which the best point is."""
        return None if self.searched_is_better else self.grid.edge_at(self.point.rate)

    @property
    def diverged(self) -> bool:
        """Whether there is no point at which no seed diverged."""
        return bool(self.field.grid.lost[0].any())


def tuning_seeds(settings: Settings, count: int) -> list[int]:
    """The first tuning seeds, as indices: those of the reported figures come between usual and further ones."""
    return [i if i < settings.seeds else i + settings.final_seeds for i in range(count)]


def tune(program: Program, settings: Settings, progress: Progress) -> Tuned:
    """Measures the grid, extends it while its best is at an edge (`MAX_EXTENSIONS` times at most), and searches.

    Points that cannot be told apart get more seeds, before the best of them is taken.
    """
    progress.phase("tuning")
    defaults = program.defaults

    def points(rates: Iterable[float]) -> list[Point]:
        return [Point(float(rate), defaults) for rate in rates]

    rates = rates_of(program.entrant.default_rate, settings.rates)
    grid = measure(program, points(rates), settings.seeds, progress)
    field: Field | None = None
    for extensions in itertools.count():
        edge = grid.edge
        if extensions == MAX_EXTENSIONS or edge is None:
            field = contest(program, points(grid.rates), grid, settings, progress)
            edge = grid.edge_at(field.points[0].rate)
        if extensions == MAX_EXTENSIONS or edge is None:
            break
        progress.phase(f"extending to {grid.beyond(edge):.3g}")
        progress.grow(settings.seeds)
        grid = grid.add(measure(program, points([grid.beyond(edge)]), settings.seeds, progress))
    assert field is not None
    if not settings.samples:
        return Tuned(grid, [], None, field)
    progress.phase("searching")
    candidates = draw_candidates(program.names, settings, grid)
    if settings.halving:
        candidates = survivors(program, candidates, settings, progress)
        progress.phase("searching")
    search = measure(program, candidates, settings.seeds, progress)
    field = contest(program, [*points(grid.rates), *candidates], grid.beside(search), settings, progress)
    return Tuned(grid, candidates, search, field)


def rates_of(default: float | None, rates: tuple[float, ...]) -> tuple[float, ...]:
    """The grid of an optimizer: that of the race, unless its learning rate is a factor on one that it finds itself.

    It is taken for that if it is 1 or more by default. Where the grid ends below the default, it is moved so that its
    middle is there: as many rates, as far apart. A grid of a single rate is not.
    """
    if len(rates) == 1 or default is None or default < FACTOR or default <= rates[-1]:
        return rates
    middle = rates[len(rates) // 2]
    return tuple(default * (rate / middle) for rate in rates)


def contest(program: Program, points: Sequence[Point], grid: Grid, settings: Settings, progress: Progress) -> Field:
    """Doubles the seeds of the points that cannot be told apart from the best, up to `MOST_SEEDS` times as many.

    Args:
      program: runs them.
      points: all that were measured.
      grid: their outcomes at the first tuning seeds.
      settings: of the race.
      progress: told of the further trials.
    """
    left = grid.contenders
    field = Field([points[i] for i in left], grid.take(left))
    seeds = settings.seeds
    while len(field.points) > 1 and seeds < MOST_SEEDS * settings.seeds:
        progress.phase(f"racing {len(field.points)} rates")
        progress.grow(len(field.points) * seeds)
        seeds *= 2
        every = measure_at(program, field.points, tuning_seeds(settings, seeds), progress)
        near = every.contenders
        field = Field([field.points[i] for i in near], every.take(near))
    others = [i for i in range(len(points)) if i not in left]
    if field.grid.lost[0].any() and others:  # all of them diverged at further seeds
        return contest(program, [points[i] for i in others], grid.take(others), settings, progress)
    return field


def draw_candidates(names: Sequence[str], settings: Settings, grid: Grid) -> list[Point]:
    """Points of the random search: rates within a step of the grid around its best, hyperparameters in their ranges.

    The draws are the same for all optimizers; one without a hyperparameter of the space tries other rates, so that
    it has as many trials as any other.
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
