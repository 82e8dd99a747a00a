"""A race over several tasks, in Python and on the command line."""

import json
import shutil

import pytest

from optax_zoo import cli
from optax_zoo.race import RaceError, load, race, race_tasks
from optax_zoo.race.tasks import describe_task, with_gradient_noise

QUICK = {"rates": [0.1], "seeds": 1, "final_seeds": 2, "progress": False}
WORDS = ["--optimizers", "sgd,optax.adam", "--steps", "3", "--seeds", "1", "--final-seeds", "2", "--rates", "0.1"]


def untimed(row):
    return {name: value for name, value in vars(row).items() if name != "seconds"}


@pytest.mark.slow
def test_each_task_is_raced_as_by_itself(regression):
    noisy = with_gradient_noise(regression, 0.1)
    together = race_tasks(iter(["sgd", "adam"]), tasks=[regression, noisy], steps=7, **QUICK)
    for task in (regression, noisy):
        alone = race(["sgd", "adam"], task=task, steps=7, **QUICK)
        assert list(map(untimed, together[task.name].rows)) == list(map(untimed, alone.rows))
    assert together["regression"].settings.steps == 7
    assert "regression with gradient noise 0.1" in repr(together)


def test_each_task_has_its_own_budget_and_all_are_all(monkeypatch, regression):
    raced = []

    def note(optimizers, task, steps, **options):
        raced.append((task.name, steps))

    monkeypatch.setattr("optax_zoo.race.races.race", note)
    monkeypatch.setattr("optax_zoo.race.races.list_tasks", lambda: ["quadratic", "reddi"])
    race_tasks(tasks=["all"], **QUICK)
    race_tasks(tasks=[regression], **QUICK)
    assert raced == [(name, describe_task(name).steps) for name in ("quadratic", "reddi")] + [("regression", 600)]


@pytest.mark.parametrize(
    "tasks, message",
    [
        ("digits_mlp", "tasks is 'digits_mlp', but must be a sequence"),
        ([], "tasks is empty"),
        (["quadratic", "quadratic"], "task 'quadratic' is given twice"),
        (["quadratc"], "did you mean 'quadratic'"),
        ([3], "tasks has 3, but must hold names or tasks"),
    ],
)
def test_wrong_tasks_are_refused(tasks, message):
    with pytest.raises(RaceError, match=message):
        race_tasks(["sgd"], tasks=tasks, **QUICK)


def test_an_unknown_optimizer_is_found_before_any_task_is_made():
    with pytest.raises(RaceError, match="Did you mean 'adam'"):
        race_tasks(["adm"], tasks=["no such task"], **QUICK)


@pytest.mark.slow
def test_the_command_writes_a_folder_for_each_task_and_resumes_to_the_same(tmp_path, capsys):
    out = tmp_path / "both"
    words = ["race", "--task", "quadratic,reddi", *WORDS, "--out", str(out)]
    assert cli.main(words) == 0
    printed = capsys.readouterr()
    assert "task 2 of 2: reddi, 3 steps" in printed.err
    assert "<html" in (out / "report.html").read_text()
    assert [load(out / name).settings.task for name in ("quadratic", "reddi")] == ["quadratic", "reddi"]
    record = json.loads((out / "reddi" / "race.json").read_text())
    assert record["settings"]["steps"] == 3 and record["settings"]["optimizers"] == ["sgd", "optax.adam"]

    assert cli.main(words) == 2
    assert "holds results already" in capsys.readouterr().err
    shutil.rmtree(out / "reddi")
    assert cli.main(words) == 2  # before anything runs
    assert "holds results already" in capsys.readouterr().err and not (out / "reddi").exists()
    assert cli.main([*words, "--resume", "--no-report"]) == 0
    again = capsys.readouterr().out
    assert again.split("reddi")[0] == printed.out.split("reddi")[0]


def test_options_for_all_reach_the_race(tmp_path, capsys):
    words = ["--schedule", "cosine", "--warmup", "0.1", "--weight-decay", "0.01", "--search", "b1=0.5..0.9"]
    more = ["--search", "eps = 1e-9..1e-3:log", "--samples", "2", "--mapping", "vmap", "--no-report"]
    assert cli.main(["race", "--task", "quadratic", *WORDS, *words, *more, "--out", str(tmp_path)]) == 0
    settings = load(tmp_path).settings
    assert (settings.schedule, settings.warmup, settings.weight_decay) == ("cosine", 0.1, 0.01)
    assert settings.search == (("b1", 0.5, 0.9, False), ("eps", 1e-9, 1e-3, True))
    assert settings.samples == 2 and settings.mapping == "vmap"
    assert not (tmp_path / "report.html").exists()
    adam = load(tmp_path).rows[[row.optimizer for row in load(tmp_path).rows].index("optax.adam")]
    assert len(adam.search_rates) == 2 and set(adam.search_values[0]) == {"b1", "eps"}


@pytest.mark.parametrize(
    "words, message",
    [
        (["--schedule", "step"], "'step' is not one of 'constant', 'cosine', 'linear', 'inverse_sqrt', 'wsd',"),
        (["--warmup", "1"], "warmup is 1.0, but must be a number at least 0 and below 1."),
        (["--weight-decay", "-1"], "weight_decay is -1.0, but must be a number at least 0."),
        (["--search", "b1"], "'b1' must be a name and a range, such as b1=0.8..0.99"),
        (["--search", "b1=0.9..x", "--samples", "1"], "must be a name and a range"),
        (["--search", "b1=0.9..0.8", "--samples", "1"], "search has (0.9, 0.8) for b1, but must have (low, high)"),
        (["--search", "b1=0..0.8:log", "--samples", "1"], "a logarithmic range must begin above 0"),
        (["--search", "b7=0.1..0.8", "--samples", "1"], "search has 'b7', but no optimizer of the race takes it"),
        (["--search", "b1=0.1..0.8"], "samples is 0, but must be above 0 with a search space"),
        (["--samples", "4"], "samples is 4, but must be above 0 with a search space, and 0 without one."),
        (["--mapping", "pmap"], "'pmap' is not one of 'auto', 'map', 'vmap'"),
        (["--processes", "2"], "must be given together, and with --distributed"),
        (["--distributed", "--process-id", "0"], "must be given together, and with --distributed"),
    ],
)
def test_wrong_options_are_one_line(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["race", "--task", "quadratic", *WORDS, *words]) == 2
    captured = capsys.readouterr()
    assert message in captured.err and captured.err.count("\n") == 1 and captured.out == ""
    assert list(tmp_path.iterdir()) == []
