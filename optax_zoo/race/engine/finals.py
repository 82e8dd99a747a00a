"""The race of one optimizer: tuning, then the figures at fresh seeds."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from optax_zoo.race.engine.fingerprint import fingerprint
from optax_zoo.race.engine.program import Point, Program, Progress
from optax_zoo.race.engine.protocol import own_values
from optax_zoo.race.engine.trials import evaluation_steps
from optax_zoo.race.engine.tuning import Tuned, tune
from optax_zoo.race.rows import Row
from optax_zoo.race.settings import Settings
from optax_zoo.race.statistics.estimates import bootstrap_interval, first_reaching, interquartile_mean
from optax_zoo.race.storage.batches import Trials
from optax_zoo.running.entrants import Entrant
from optax_zoo.running.errors import EntrantError

MOST_LETTERS = 200  # of a reason


def enter(program: Program, settings: Settings, untrained: np.ndarray, progress: Progress) -> Row:
    """The race of one optimizer: tuning, then the best point, and the defaults, with fresh seeds."""
    began = time.perf_counter()
    tuned = tune(program, settings, progress)
    seeds = list(range(settings.seeds, settings.seeds + settings.final_seeds))
    finals, at_defaults = _fresh(program, tuned, seeds, progress)
    final = finals[0] if finals else None
    rate, values = tuned.point if final is not None else (float(settings.rates[0]), program.defaults)
    chosen = dict(zip(program.names, values, strict=True)) if tuned.searched_is_better else {}
    search = tuned.search
    return Row.of(
        {
            "optimizer": program.entrant.name,
            "composition": program.entrant.composition(rate, {**own_values(program.entrant, settings), **chosen}),
            "best_values": chosen,
            "state_bytes": program.state_bytes,
            "fingerprint": fingerprint(program.entrant, settings, program.start),
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
            **_contenders(program.names, tuned, finals),
            "seconds": time.perf_counter() - began,
        }
    )


def failed(entrant: Entrant, settings: Settings, error: EntrantError) -> Row:
    """The row of an optimizer that cannot be trained: the reason, and no figures."""
    shape = len(settings.rates), settings.seeds
    nothing = np.full(shape, np.nan)
    searched = ("search_validation_metric", "search_validation_loss", "search_diverged")
    return Row.of(
        {
            "optimizer": entrant.name,
            "composition": "",
            "failure": error.reason[:MOST_LETTERS],
            "best_values": {},
            "state_bytes": None,
            "untrained_test_metric": None,
            "default_rate": entrant.default_rate,
            "default_test_metric": (),
            "diverged_rates": 0,
            "rates": settings.rates,
            "tuning_validation_metric": nothing,
            "tuning_validation_loss": nothing,
            "tuning_diverged": np.zeros(shape, bool),
            **dict.fromkeys(("search_rates", "search_values", *searched), ()),
            "curve_steps": evaluation_steps(settings.steps),
            "seconds": 0.0,
            **_nothing(),
        }
    )


def _fresh(
    program: Program, tuned: Tuned, seeds: Sequence[int], progress: Progress
) -> tuple[list[Trials], Trials | None]:
    """The outcomes with fresh seeds at each contender (none if all diverged) and at the defaults (None likewise)."""
    progress.phase("final seeds")
    rate = program.entrant.default_rate
    contenders = [] if tuned.diverged else tuned.field.points
    points = [*contenders, *([] if rate is None else [Point(rate, program.defaults)])]
    progress.grow((len(contenders) - 1) * len(seeds))
    if not points:
        return [], None
    trials = program.run([point for point in points for _ in seeds], list(seeds) * len(points), progress)
    parts = [Trials(*(x[i : i + len(seeds)] for x in trials)) for i in range(0, len(points) * len(seeds), len(seeds))]
    return parts[: len(contenders)], None if rate is None else parts[-1]


def _contenders(names: Sequence[str], tuned: Tuned, finals: Sequence[Trials]) -> dict[str, Any]:
    """The points that may be best, the chosen one first, and how they did."""
    points = tuned.field.points[: len(finals)]
    return {
        "contender_rates": [point.rate for point in points],
        "contender_values": [dict(zip(names, point.values, strict=True)) for point in points],
        "contender_validation_metric": tuned.field.grid.metric[: len(points)],
        "contender_validation_loss": tuned.field.grid.loss[: len(points)],
        "contender_test_metric": [_or_nan(final.test_metric, final) for final in finals],
    }


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
        "edge": tuned.edge,
        "validation_metric": tuned.field.grid.metric[0].mean(),
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
