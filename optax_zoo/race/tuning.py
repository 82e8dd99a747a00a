"""From a grid of learning rates to the best, and on to the figures at fresh seeds."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from optax_zoo.race.rows import Row
from optax_zoo.race.settings import Settings
from optax_zoo.race.statistics import half_width, rounded, steps_to_target
from optax_zoo.race.trials import Program, Trials, evaluation_steps

MAX_EXTENSIONS = 4


@dataclasses.dataclass
class Grid:
    """Outcomes by rate (ascending) and seed, means over the last quarter of the evaluations.

    The last evaluation alone is chance: where training is unsteady it may be a good moment. Rates are added as the
    search goes on.
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
    def best(self) -> int:
        """Index of the best rate: by mean metric, then mean loss, then the lower rate.

        A rate at which a seed diverged is worse than any other, so that of nothing but such rates the lowest is taken.
        """
        worst = self.diverged | ~np.isfinite(self.metric)
        metric = np.where(worst, -np.inf, self.metric).mean(axis=1)
        loss = np.where(worst, np.inf, self.loss).mean(axis=1)
        keys = zip(map(rounded, metric), -loss, strict=True)
        return max(enumerate(keys), key=lambda pair: pair[1])[0]

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


def measure(program: Program, rates: Sequence[float], seeds: int) -> Grid:
    """Runs every rate with every tuning seed."""
    trials = program.run([rate for rate in rates for _ in range(seeds)], list(range(seeds)) * len(rates))
    shape = len(rates), seeds

    def late(curves: np.ndarray) -> np.ndarray:
        quarter = max(1, curves.shape[1] // 4)
        return curves[:, -quarter:].astype(float).mean(axis=1).reshape(shape)

    return Grid(
        np.asarray(rates, float),
        late(trials.validation_metric),
        late(trials.validation_loss),
        trials.diverged.reshape(shape),
    )


def tune(program: Program, settings: Settings, notify: Callable[[str], None]) -> Grid:
    """Measures the grid, and extends it while the best rate is at an edge, at most `MAX_EXTENSIONS` times."""
    notify("tuning")
    grid = measure(program, settings.rates, settings.seeds)
    for _ in range(MAX_EXTENSIONS):
        if grid.edge is None:
            break
        notify(f"extending to {grid.next_rate:.3g}")
        grid = grid.add(measure(program, [grid.next_rate], settings.seeds))
    return grid


def enter(name: str, program: Program, settings: Settings, notify: Callable[[str], None]) -> Row:
    """The race of one optimizer: compile, tune, then the best rate with fresh seeds."""
    began = time.perf_counter()
    notify("compiling")
    program.compile()
    grid = tune(program, settings, notify)
    seeds = list(range(settings.seeds, settings.seeds + settings.final_seeds))
    final = None
    if not grid.diverged[grid.best].any():
        notify("final seeds")
        final = program.run([grid.rates[grid.best]] * len(seeds), seeds)
    return Row.of(
        {
            "optimizer": name,
            "state_bytes": program.state_bytes,
            "milliseconds_per_step": program.milliseconds_per_step,
            "diverged_rates": int(grid.diverged.any(axis=1).sum()),
            "rates": grid.rates,
            "tuning_validation_metric": grid.metric,
            "tuning_validation_loss": grid.loss,
            "tuning_diverged": grid.diverged,
            "curve_steps": evaluation_steps(settings.steps),
            **(_nothing() if final is None else _figures(grid, final, seeds, settings)),
            "seconds": time.perf_counter() - began,
        }
    )


def _figures(grid: Grid, final: Trials, seeds: Sequence[int], settings: Settings) -> dict[str, Any]:
    metric, loss = (np.where(final.diverged, np.nan, x).astype(float) for x in (final.test_metric, final.test_loss))
    steps = np.inf
    if settings.target is not None:
        reached = np.where(final.diverged[:, None], -np.inf, final.validation_metric)
        steps = steps_to_target(reached, evaluation_steps(settings.steps), settings.target)
    return {
        "best_rate": grid.rates[grid.best],
        "edge": grid.edge,
        "validation_metric": grid.metric[grid.best].mean(),
        "test_metric": metric.mean(),
        "test_metric_half_width": half_width(metric),
        "test_loss": loss.mean(),
        "steps_to_target": steps,
        "diverged_final_seeds": int(final.diverged.sum()),
        "final_seeds": seeds,
        "final_test_metric": metric,
        "final_test_loss": loss,
        "final_diverged": final.diverged,
        "curve_train_loss": final.train_loss,
        "curve_validation_loss": final.validation_loss,
        "curve_validation_metric": final.validation_metric,
    }


def _nothing() -> dict[str, Any]:
    """The figures of an optimizer that diverged at every rate."""
    single = ("best_rate", "edge", "validation_metric", "test_metric", "test_metric_half_width", "test_loss")
    several = ("final_seeds", "final_test_metric", "final_test_loss", "final_diverged")
    curves = ("curve_train_loss", "curve_validation_loss", "curve_validation_metric")
    return {
        "steps_to_target": None,
        "diverged_final_seeds": 0,
        **dict.fromkeys(single),
        **dict.fromkeys(several + curves, ()),
    }
