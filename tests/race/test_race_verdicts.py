"""What a race may say: copies, noise floor, tiers, more seeds for unsure choices, and tuning that made things worse."""

import dataclasses
import sys
from pathlib import Path

import invented_results
import numpy as np
import optax
import pytest

import optax_zoo as zoo
from optax_zoo.race import race, standing, summarize
from optax_zoo.race.analysis.choices import Choice
from optax_zoo.race.analysis.comparisons import pairwise
from optax_zoo.race.results import Result
from optax_zoo.race.rows import Row, rank
from optax_zoo.race.statistics.estimates import interquartile_mean
from optax_zoo.race.terminal.report import render

sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))
import verdict_trials

SEEDS = np.linspace(0.5, 0.6, 10)
WIGGLE = 0.004 * (-1.0) ** np.arange(10)


def raced(scores, prints=()):
    """A race with these test metrics by final seed; those of a name in `prints` have that fingerprint."""
    given = invented_results.settings(tuple(scores))
    base = invented_results.row("sgd", given)
    rows = []
    for name, metric in scores.items():
        figures = {"final_test_metric": tuple(metric), "test_metric": float(interquartile_mean(metric))}
        same = {"fingerprint": (dict(prints)[name],)} if name in dict(prints) else {}
        rows.append(dataclasses.replace(base, optimizer=name, default_test_metric=(), **figures, **same))
    return Result(given, tuple(sorted(rows, key=rank)), {})


@pytest.fixture(scope="module")
def recorded():
    loaded = np.load(Path(__file__).parent / "verdict_trials.npz")
    return {
        task: {name: loaded[f"{task}/{name}"] for name in verdict_trials.OPTIMIZERS} for task in verdict_trials.TASKS
    }


@pytest.mark.slow
@pytest.mark.parametrize("task", verdict_trials.TASKS)
@pytest.mark.parametrize("name", ["adam", "expectigrad", "momentum"])
def test_an_optimizer_is_not_worse_than_its_own_copy(recorded, task, name):
    """Three standard errors above 5 % of 100 races is 11.5 %."""
    wrong, _ = verdict_trials.simulate(recorded[task], (name,), copies=2, races=100)
    assert wrong <= 0.115


def test_among_many_entrants_no_copy_is_worse_and_real_differences_are_found(recorded):
    wrong, right = verdict_trials.simulate(recorded["digits_deep"], verdict_trials.OPTIMIZERS, copies=2, races=20)
    assert wrong <= 0.2 and right > 0.5


def test_a_choice_that_could_have_gone_the_other_way_is_in_the_p_value():
    """Two copies whose tuning was a toss-up; the better rate went to one of them."""
    tuning = np.array([[0.5, 0.4, 0.6], [0.4, 0.5, 0.599]])
    good, poor = SEEDS + WIGGLE, SEEDS - 0.03 + WIGGLE[::-1] / 2
    lucky, unlucky = Choice(tuning, -tuning, np.array([good, poor])), Choice(tuning, -tuning, np.array([poor, good]))
    (certain,) = pairwise({"lucky": good, "unlucky": poor})
    (honest,) = pairwise({"lucky": lucky, "unlucky": unlucky})
    assert certain.found and not honest.found
    assert honest.difference == certain.difference and honest.interval[0] < 0 < certain.interval[0]


def test_copies_stand_or_fall_together():
    scores = {"best": SEEDS + 0.011, "one": SEEDS, "other": SEEDS - 0.05 + 10 * WIGGLE, "far": SEEDS - 0.3}
    apart = standing(raced(scores))
    assert apart["one"].words == "worse"
    together = standing(raced(scores, {"one": 1.0, "other": 1.0, "far": 2.0}))
    assert together.copies == (("one", "other"),) and [pair.same for pair in together.noise] == [True]
    assert together["one"].words == together["other"].words == "not told apart" and together["far"].words == "worse"
    assert together.told_apart == (3, 5)


def test_a_difference_within_that_of_copies_is_noise():
    scores = {"best": SEEDS + 0.02, "copy": SEEDS + 0.01, "next": SEEDS + 0.001}
    assert standing(raced(scores))["next"].words == "worse"
    noisy = standing(raced(scores, {"best": 1.0, "copy": 1.0}))
    assert noisy["copy"].words == "same algorithm" and noisy["next"].words == "not told apart"
    assert "Noise floor, since these are one algorithm" in " ".join(
        render(raced(scores, {"best": 1.0, "copy": 1.0})).split()
    )


def test_tiers_follow_from_the_best_of_each():
    scores = {"a": SEEDS + 0.1, "b": SEEDS, "c": SEEDS - 0.001 + WIGGLE, "d": SEEDS - 0.2}
    found = standing(raced(scores))
    assert found.tiers == [["a"], ["b", "c"], ["d"]]
    assert summarize([raced(scores)]).standing["digits_mlp"] == found
    low, high = found["d"].against_best.interval
    assert low <= found["d"].against_best.difference <= high


def test_one_algorithm_is_known_by_its_steps(regression):
    entrants = {
        "ours": zoo.adam,
        "optax's": optax.adam,
        "decayed": lambda rate: zoo.adamw(rate, weight_decay=1e-4),
        "b2": lambda rate: zoo.adam(rate, b2=0.998),
        "amsgrad": zoo.amsgrad,
    }
    quick = {"rates": [0.01], "seeds": 1, "final_seeds": 2, "steps": 2, "progress": False}
    (copies,) = standing(race(entrants, task=regression, **quick)).copies
    assert set(copies) == {"ours", "optax's"}


@pytest.mark.slow
def test_what_differs_now_and_then_or_where_it_is_evaluated_is_no_copy(regression):
    entrants = ["adam", "lookahead", "averaged", "adabound", "amsbound"]
    quick = {"rates": [0.01], "seeds": 1, "final_seeds": 2, "steps": 2, "progress": False}
    assert standing(race(entrants, task=regression, **quick)).copies == ()


def test_rates_that_cannot_be_told_apart_get_more_seeds(walk):
    quick = {"seeds": 3, "final_seeds": 2, "progress": False}
    tied = race({"sgd": optax.sgd}, task=walk(1.0), rates=[0.1, 1.0, 1.00000001, 10.0], steps=1, **quick).rows[0]
    assert set(tied.contender_rates) == {1.0, 1.00000001} and tied.best_rate == tied.contender_rates[0]
    assert np.shape(tied.contender_validation_metric) == (2, 12) and np.shape(tied.contender_test_metric) == (2, 2)
    assert tied.contender_test_metric[0] == tied.final_test_metric and tied.final_seeds == (3, 4)
    clear = race({"sgd": optax.sgd}, task=walk(1.0), rates=[0.1, 1.0, 10.0], steps=1, **quick).rows[0]
    assert clear.contender_rates == (1.0,) and np.shape(clear.contender_validation_metric) == (1, 3)


def test_a_tuned_rate_that_is_worse_than_the_default_is_named(walk):
    task = walk(10.0, test=1.0)
    result = race(
        {"sgd": lambda learning_rate=1.0: optax.sgd(learning_rate)},
        task=task,
        rates=[0.1, 10.0, 100.0],
        seeds=1,
        final_seeds=6,
        steps=1,
        progress=False,
    )
    assert "sgd: tuned worse than default: its rate of 10 is 9 behind the default of 1" in " ".join(
        repr(result).split()
    )


def test_results_of_earlier_versions_are_read():
    row = invented_results.row("adam", invented_results.settings())
    plain = {name: value for name, value in vars(row).items() if not name.startswith(("contender", "fingerprint"))}
    assert Row.of({**plain, "milliseconds_per_step": 0.1}) == row
