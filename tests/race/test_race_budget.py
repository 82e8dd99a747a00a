"""How long a trial is where nothing is said: the task's budget, whoever asks."""

import dataclasses

import pytest

from optax_zoo import cli
from optax_zoo.race import RaceError, ablate, race, race_tasks
from optax_zoo.race.tasks import create_task, describe_task, quadratic

QUICK = {"rates": [0.1], "seeds": 1, "final_seeds": 2, "progress": False}
WORDS = ["--rates", "0.1", "--seeds", "1", "--final-seeds", "2", "--no-report"]


class StopError(Exception):
    """Ends a race once it is known how it would go."""


@pytest.fixture
def steps_raced(monkeypatch):
    """The task and the steps of each race, none of which is run."""
    seen = []

    def stop(settings):
        seen.append((settings.task, settings.steps))
        raise StopError

    monkeypatch.setattr("optax_zoo.race.runner.layout_of", stop)
    return seen


@pytest.mark.parametrize("options", [{}, {"condition": 10.0}])
def test_a_registered_task_brings_its_budget(steps_raced, options):
    task, budget = create_task("quadratic", **options), describe_task("quadratic").steps
    assert budget != 600
    for go in (
        lambda: race(["sgd"], task=task, **QUICK),
        lambda: race(["sgd"], task=quadratic(**options), **QUICK),
        lambda: race_tasks(["sgd"], tasks=[task], **QUICK),
        lambda: ablate("momentum", velocity=[None], task=task, **QUICK),
    ):
        with pytest.raises(StopError):
            go()
    assert {steps for _, steps in steps_raced} == {budget} and len(steps_raced) == 4


def test_python_and_the_command_line_agree(steps_raced, tmp_path):
    for number, words in enumerate(
        (["race", "--optimizers", "sgd"], ["ablate", "momentum", "--slot", "velocity=none"])
    ):
        with pytest.raises(StopError):
            cli.main([*words, "--task", "quadratic", *WORDS, "--out", str(tmp_path / str(number))])
    with pytest.raises(StopError):
        race(["sgd"], task="quadratic", **QUICK)
    assert set(steps_raced) == {("quadratic", describe_task("quadratic").steps)}


def test_the_default_task_is_the_same_in_python_and_on_the_command_line(steps_raced, tmp_path):
    with pytest.raises(StopError):
        cli.main(["race", "--optimizers", "sgd", *WORDS, "--out", str(tmp_path)])
    with pytest.raises(StopError):
        race(["sgd"], **QUICK)
    assert len(set(steps_raced)) == 1


def test_a_task_of_ones_own_says_its_budget(regression, steps_raced):
    for task, given in ((regression, {}), (dataclasses.replace(regression, steps=70), {}), (regression, {"steps": 8})):
        with pytest.raises(StopError):
            race(["sgd"], task=task, **QUICK, **given)
    assert [steps for _, steps in steps_raced] == [600, 70, 8]


@pytest.mark.parametrize("steps", [0, 1.5, True])
def test_a_budget_that_is_none_is_refused(regression, steps):
    with pytest.raises(RaceError, match=f"steps is {steps}, but must be a whole number at least 1"):
        dataclasses.replace(regression, steps=steps)


@pytest.mark.parametrize(
    "task, message", [(3, "task is 3, but must be a Task"), ("quadratc", "did you mean 'quadratic'")]
)
def test_what_is_no_task_is_refused(task, message):
    with pytest.raises(RaceError, match=message):
        race(["sgd"], task=task, **QUICK)
