"""Successive halving of a random search: who is given up, after how many steps, and what it costs."""

import numpy as np
import pytest
import trainings

from optax_zoo.race import RaceError, race
from optax_zoo.race.engine.grid import measure, measure_until
from optax_zoo.race.engine.halving import counts, rungs, survivors
from optax_zoo.race.engine.program import Point

QUICK = {"rates": [0.01, 0.1], "seeds": 2, "final_seeds": 2, "steps": 24, "progress": False}
SEARCH = {"search": {"b1": (0.5, 0.99)}, "samples": 9}


class Counted:
    """Progress that counts trials."""

    def __init__(self):
        self.trials = 0

    def phase(self, text): ...

    def skip(self, trials): ...

    def grow(self, trials): ...

    def advance(self, trials):
        self.trials += trials


def test_rungs_are_at_powers_of_one_over_the_factor():
    assert rungs(3, 24) == [3, 8] and rungs(2, 24) == [6, 12] and rungs(5, 24) == [1, 5]
    assert rungs(3, 2) == [1] and rungs(2, 1) == []
    assert counts(3, 27, 24) == [27, 9, 3] and counts(2, 5, 24) == [5, 3, 2] and counts(4, 4, 1) == [4]


@pytest.mark.parametrize("stop, mapping", [(1, "map"), (8, "map"), (24, "map"), (8, "vmap")])
def test_a_trial_that_ends_early_is_the_beginning_of_a_whole_one(regression, stop, mapping):
    program = trainings.program_of(regression, "adam", seeds=2, steps=48, mapping=mapping)
    points, seeds = [Point(0.01), Point(0.3), Point(0.03)], [0, 1, 1]
    early, whole = program.run_until(stop, points, seeds, Counted()), program.run(points, seeds, Counted())
    for name in ("train_loss", "validation_loss", "validation_metric"):
        np.testing.assert_allclose(getattr(early, name), getattr(whole, name)[:, :stop], rtol=1e-6)
    assert not early.diverged.any()


def test_what_is_left_out_costs_nothing_side_by_side_either(regression):
    program = trainings.program_of(regression, "adam", steps=24, mapping="vmap")
    assert "conditional(" in program.stoppable.as_text()  # a select would compute both


def test_a_trial_that_diverges_before_its_end_is_seen(regression):
    program = trainings.program_of(regression, "sgd", steps=24)
    assert program.run_until(24, [Point(1e9), Point(1e-3)], [0, 0], Counted()).diverged.tolist() == [True, False]


def test_the_best_at_each_rung_go_on(regression):
    progress = Counted()
    rates = [1e-5, 0.03, 1e-4, 0.1, 1e-3, 3e-4, 0.05, 3e-5, 1e-2]
    program = trainings.program_of(
        regression, "sgd", seeds=2, steps=24, **{**SEARCH, "search": {"momentum": (0.1, 0.9)}}
    )
    settings = trainings.settings_of(
        regression, seeds=2, steps=24, halving=3, **{**SEARCH, "search": {"momentum": (0.1, 0.9)}}
    )
    points = [Point(rate, program.defaults) for rate in rates]
    first = measure_until(program, points, 2, 3, Counted())
    left = survivors(program, points, settings, progress)
    assert len(left) == 1 and progress.trials == 2 * (9 + 3)
    assert left[0] in [points[place] for place in np.argsort(-first.metric.mean(axis=1))[:3]]
    whole = measure(program, points, 2, Counted())
    assert whole.metric[points.index(left[0])].mean() >= np.sort(whole.metric.mean(axis=1))[-3]


def test_a_race_tries_only_those_that_are_left_to_the_end(regression, tmp_path):
    result = race(["adam", "adamw"], task=regression, halving=3, out=tmp_path, report=False, **SEARCH, **QUICK)
    assert result.settings.halving == 3
    for row in result.rows:
        assert len(row.search_rates) == len(row.search_values) == 1
        assert np.isfinite(np.array(row.search_validation_metric, float)).all()
    everything = race(["adam"], task=regression, **SEARCH, **QUICK)["adam"]
    assert result["adam"].search_rates[0] in everything.search_rates
    again = race(
        ["adam", "adamw"], task=regression, halving=3, out=tmp_path, resume=True, report=False, **SEARCH, **QUICK
    )
    assert [row.test_metric for row in again.rows] == [row.test_metric for row in result.rows]


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"halving": 0}, "halving is 0, but must be a whole number from 2"),
        ({"halving": 1}, "halving is 1, but must be a whole number from 2"),
        ({"halving": 2.5}, "halving is 2.5, but must be a whole number from 2"),
        ({"halving": 10}, "halving is 10, but samples is 9: there must be as many points, or more"),
    ],
)
def test_a_halving_that_cannot_be_is_refused(regression, changes, words):
    with pytest.raises(RaceError, match=words):
        race(["adam"], task=regression, **{**SEARCH, **QUICK, **changes})
