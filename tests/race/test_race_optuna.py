"""Searches by Optuna: its trials are those of a race."""

import functools
import math

import numpy as np
import pytest

from optax_zoo.race import RaceError, race
from optax_zoo.race.optuna import objective

QUICK = {"seeds": 2, "steps": 20}


class Fixed:
    """A trial that is told what to suggest, and keeps what it was asked."""

    def __init__(self, **values):
        self.values, self.asked = values, {}

    def suggest_float(self, name, low, high, *, log=False):
        self.asked[name] = (low, high, log)
        return self.values[name]


def test_a_trial_has_the_value_that_a_race_tunes_by(regression):
    value = objective("adam", regression, **QUICK)
    row = race(["adam"], task=regression, rates=[0.01, 0.1], final_seeds=2, progress=False, **QUICK)["adam"]
    for rate, metric in zip(row.rates, row.tuning_validation_metric, strict=True):
        assert value(Fixed(learning_rate=rate)) == pytest.approx(np.mean(metric), rel=1e-6)


def test_hyperparameters_are_asked_for_and_reach_the_optimizer(regression):
    search = {"b1": (0.5, 0.99), "eps": (1e-9, 1e-3, "log")}
    value = objective("adam", regression, rates=(1e-3, 1.0), search=search, **QUICK)
    slow, fast = (Fixed(learning_rate=0.1, b1=b1, eps=1e-8) for b1 in (0.98, 0.5))
    assert value(slow) != value(fast)
    assert slow.asked == {"learning_rate": (1e-3, 1.0, True), "b1": (0.5, 0.99, False), "eps": (1e-9, 1e-3, True)}


def test_a_trial_that_diverges_is_worse_than_any(regression):
    assert objective("sgd", regression, rates=(1e-3, 1e9), **QUICK)(Fixed(learning_rate=1e8)) == -math.inf


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"rates": (1, 0.1)}, r"rates is \(1, 0.1\), but must be the lowest and the highest rate"),
        ({"rates": 0.1}, "rates is 0.1, but must be the lowest and the highest rate"),
        ({"search": {"b3": (0.5, 0.9)}}, "search has 'b3', but 'adam' has no such number; known are"),
        ({"search": {"b1": (0.9, 0.5)}}, r"search has \(0.9, 0.5\) for b1"),
        ({"steps": 0}, "steps is 0, but must be a whole number from 1"),
    ],
)
def test_what_cannot_be_searched_is_refused(regression, arguments, words):
    with pytest.raises(RaceError, match=words):
        objective("adam", regression, **{**QUICK, **arguments})


def test_a_study_finds_a_better_rate(regression):
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    value = objective("sgd", regression, rates=(1e-4, 1.0), **QUICK)
    study = functools.partial(optuna.create_study, direction="maximize")
    found = study(sampler=optuna.samplers.TPESampler(seed=0))
    found.optimize(value, n_trials=12)
    assert found.best_value > value(Fixed(learning_rate=1e-3)) and found.best_params["learning_rate"] > 1e-3
