"""Budgets in time: each optimizer takes as many steps as fit, and the same again on a resume."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from click.testing import CliRunner

from optax_zoo.race import RaceError, load, race, race_tasks
from optax_zoo.race.command import command
from optax_zoo.race.engine import timing

QUICK = {"rates": [0.1], "seeds": 1, "final_seeds": 2, "progress": False}


def slow(rate):
    """SGD whose steps take as long as six products of matrices."""

    def update(updates, state, params=None):
        x = jax.lax.fori_loop(0, 6, lambda _, x: jnp.tanh(x @ x), jnp.full((60, 60), updates["w"][0]))
        return jax.tree.map(lambda g: -rate * g + 0 * x[0, 0], updates), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


def test_a_slow_optimizer_takes_fewer_steps_in_the_same_time(regression):
    entrants = [("fast", lambda rate: optax.sgd(rate)), ("slow", slow)]
    result = race(entrants, task=regression, time_budget=0.02, **QUICK)
    steps = dict(result.settings.own_steps)
    assert steps["slow"] < steps["fast"] / 3 and result.settings.steps == steps["fast"]
    for row in result.rows:
        assert row.curve_steps[-1] == steps[row.optimizer]
    assert f"0.02 s ({steps['slow']} to {steps['fast']} steps) of 8 examples" in " ".join(repr(result).split())


def test_evaluations_are_not_counted_as_steps():
    of_a_step, of_evaluations, budget = 0.002, 0.05, 5.0
    short, long = (of_evaluations + of_a_step * steps for steps in (timing.SHORT, timing.LONG))
    assert timing.steps_of(budget, short, long) == pytest.approx((budget - of_evaluations) / of_a_step, abs=1)
    assert timing.steps_of(1e-6, short, long) == 1


@pytest.fixture
def measured(monkeypatch):
    """Counts measurements, which take no time and always find the same."""
    calls = []

    def steps_within(task, entrants, settings, told):
        calls.append(list(entrants))
        return {name: 12 * (place + 1) for place, name in enumerate(entrants)}

    monkeypatch.setattr("optax_zoo.race.runner.steps_within", steps_within)
    return calls


def test_it_is_the_race_with_these_steps(regression, measured):
    result = race(["sgd", "adam"], task=regression, time_budget=1, **QUICK)
    for name, steps in result.settings.own_steps:
        alone = race([name], task=regression, steps=steps, **QUICK)[name]
        assert result[name].final_test_metric == alone.final_test_metric


def test_a_resumed_race_goes_on_with_the_steps_of_its_beginning(regression, measured, tmp_path):
    arguments = {"task": regression, "time_budget": 1, "out": tmp_path, "report": False, **QUICK}
    first = race(["sgd", "adam"], **arguments)
    lines = (tmp_path / "results.jsonl").read_text().splitlines()
    (tmp_path / "results.jsonl").write_text(lines[0] + "\n")
    again = race(["sgd", "adam"], resume=True, **arguments)
    assert len(measured) == 1 and again.settings == first.settings == load(tmp_path).settings
    assert [row.final_test_metric for row in again.rows] == [row.final_test_metric for row in first.rows]
    assert json.loads((tmp_path / "race.json").read_text())["settings"]["own_steps"] == [["sgd", 12], ["adam", 24]]


def test_another_budget_is_measured_anew(regression, measured, tmp_path):
    arguments = {"task": regression, "out": tmp_path, "report": False, **QUICK}
    race(["sgd", "adam"], time_budget=1, **arguments)
    with pytest.raises(RaceError, match=r"cannot resume in .*time_budget"):
        race(["sgd", "adam"], time_budget=2, resume=True, **arguments)
    assert len(measured) == 2


def test_the_report_says_what_was_given(regression, measured, tmp_path):
    race(["sgd", "adam"], task=regression, time_budget=2.5, out=tmp_path, **QUICK)
    page = (tmp_path / "report.html").read_text()
    assert "2.5 seconds of training and evaluation, the same for every optimizer" in page
    assert "Steps: sgd 12, adam 24." in page


def test_several_tasks_are_timed_each(measured):
    results = race_tasks(["sgd"], tasks=["quadratic", "digits_deep"], time_budget=1, **QUICK)
    assert [result.settings.own_steps for result in results.results] == [(("sgd", 12),)] * 2 and len(measured) == 2


def test_one_that_cannot_be_trained_stops_no_other(regression):
    def broken(rate):
        return optax.GradientTransformation(lambda params: (), lambda updates, state, params=None: 1 / 0)

    result = race([("broken", broken), "sgd"], task=regression, time_budget=0.01, **QUICK)
    assert result["broken"].failure and dict(result.settings.own_steps)["broken"] == 1
    assert np.isfinite(result["sgd"].test_metric)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"time_budget": -1}, "time_budget is -1, but must be seconds above 0."),
        ({"time_budget": "5s"}, "time_budget is '5s', but must be seconds above 0."),
        ({"time_budget": 0}, "time_budget is 0, but must be seconds above 0."),
        ({"time_budget": True}, "time_budget is True, but must be seconds above 0."),
        ({"time_budget": 1, "steps": 5}, "time_budget is 1 and steps is 5, but only one of them may be given."),
    ],
)
def test_a_budget_that_cannot_be_is_refused(regression, changes, words):
    with pytest.raises(RaceError, match=words):
        race(["sgd"], task=regression, **{**QUICK, **changes})


def test_the_command_refuses_both_budgets_in_a_sentence():
    done = CliRunner().invoke(command, ["--time-budget", "1", "--steps", "5"], obj=[])
    assert done.exit_code == 2 and "only one of them may be given" in done.output and "Traceback" not in done.output
