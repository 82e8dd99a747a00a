"""Combinations of an ablation that nobody ran, and a race that is not run."""

import dataclasses
import itertools

import numpy as np

from optax_zoo.race import Result, Row
from optax_zoo.race.ablation import Combination
from optax_zoo.race.settings import check

SEEDS = np.random.default_rng(0).normal(size=8)  # what all combinations have in common
LEVELS = {"denominator": ["base", "ema", "max"], "momentum": ["base", "none"], "decay": ["base", "on"]}


def row_of(name, metric):
    """A row with nothing in it but the test metric; None has diverged."""
    names = [field.name for field in dataclasses.fields(Row)]
    metric = None if metric is None else tuple(metric)
    figures = {"optimizer": name, "final_test_metric": metric or (), "test_metric": metric and np.mean(metric)}
    return Row(**{**dict.fromkeys(names), **figures})


def factorial(metric, levels=LEVELS):
    """The combinations of a full factorial, with the metric by seed that a function of the levels gives."""
    grid = [dict(zip(levels, labels, strict=True)) for labels in itertools.product(*levels.values())]
    return [Combination(str(each), each, "", row_of(str(each), metric(each))) for each in grid]


FIGURES = {  # what a table shows beside the metric
    "best_rate": 0.1,
    "test_metric_interval": (0.0, 0.0),
    "state_bytes": 0.0,
    "rates": (0.1,),
}


def unraced(given, factories, **options):
    """The outcome of a race without the race: without numerator they diverge, of others the length of the name counts.

    What the race was given is put into `given`.
    """
    given.update(options, optimizers=factories)
    metric = {name: None if "numerator=none" in name else SEEDS + len(name) for name in factories}
    counts = {"seeds": 1, "final_seeds": 8, "steps": 3, "seed": 0, "samples": 0}
    protocol = {"schedule": "constant", "warmup": 0.0, "weight_decay": 0.0, "search": {}, "mapping": "vmap"}
    settings = check(factories, options["task"], rates=[0.1], **counts, **protocol)
    rows = tuple(dataclasses.replace(row_of(name, y), **FIGURES) for name, y in metric.items())
    return Result(settings, rows, {})
