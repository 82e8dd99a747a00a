"""`optax-zoo ablate`: what it hands on, prints, writes and refuses."""

import json
import os
import pathlib
import re

import click
import pytest

from optax_zoo.race.ablation.command import command
from optax_zoo.race.ablation.record import FILE
from optax_zoo.race.command import command as race_command


def run(*words):
    """The command as the command line runs it."""
    return command.main(list(words), standalone_mode=False, obj=["ablate", *words])


@pytest.fixture
def on_regression(regression, monkeypatch):
    monkeypatch.setattr("optax_zoo.race.races.resolve_task", lambda name: regression)


def test_the_command_prints_and_writes(on_regression, raced, tmp_path, capsys):
    out = tmp_path / "results"
    slots = ["--slot", "denominator=root(ema(0.999, of=square), eps=1e-8)", "--slot", "momentum=none"]
    run(
        "expectigrad",
        *slots,
        "--slot",
        "denominator:dense=root(arithmetic_mean(of=square))",
        "--out",
        str(out),
        "--no-report",
    )
    printed = capsys.readouterr().out
    assert "Ablation of expectigrad" in printed and "momentum=none" in printed
    assert f"Results and pictures: {out}" in " ".join(printed.split()) and "report" not in printed
    record = json.loads((out / FILE).read_text())
    assert list(record["levels"]["denominator"].values()) == [
        "root(arithmetic_mean(of=square, sparse=True))",
        "root(ema(0.999, of=square), eps=1e-08)",
        "root(arithmetic_mean(of=square))",
    ]
    assert list(record["levels"]["denominator"])[2] == "dense" and len(record["combinations"]) == 6
    with pytest.raises(click.UsageError, match="another base or other levels"):
        run("expectigrad", "--slot", "momentum=none", "--out", str(out), "--resume")


def test_the_command_hands_its_options_on(on_regression, raced, tmp_path):
    words = [
        "--no-report",
        "--rates",
        "0.1,0.2",
        "--seeds",
        "2",
        "--final-seeds",
        "3",
        "--steps",
        "4",
        "--seed",
        "5",
        "--target",
        "-2",
    ]
    run("sgd", "--slot", "momentum=trace(0.9)", *words, "--out", str(tmp_path), "--resume")
    options = ("rates", "seeds", "final_seeds", "steps", "seed", "out", "resume")
    assert [raced[name] for name in options] == [(0.1, 0.2), 2, 3, 4, 5, str(tmp_path), True]
    assert raced["task"].target == -2


@pytest.mark.parametrize(
    "words, message",
    [
        (["adam"], "Missing option '--slot'"),
        (["adm", "--slot", "momentum=none"], "Did you mean 'adam'"),
        (["adam", "--slot", "momentum"], "must be a slot and a part, such as momentum=none"),
        (["adam", "--slot", "momentm=none"], "Did you mean 'momentum'"),
        (["adam", "--slot", "momentum=traec(0.9)"], "did you mean 'trace'"),
        (["adam", "--slot", "momentum=__import__('os').system('true')"], "a call of|an attribute was found|allowed"),
        (["adam", "--slot", "momentum=none"], "momentum is empty in adam already"),
        (["adam", "--slot", "momentum:a=trace(0.9)", "--slot", "momentum:a=trace(0.8)"], "the label 'a' twice"),
        (["adam", "--slot", "momentum:base=trace(0.9)"], "the label 'base'"),
        (["adam", "--slot", "learning_rate=already_applied(0.1)"], "the race sets the rate"),
        (["adam", "--slot", "momentum=trace(0.9)", "--rates", "0"], "rates has 0.0"),
    ],
)
def test_wrong_words_are_one_line(on_regression, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(click.UsageError) as refused:
        run(*words)
    text = refused.value.format_message()
    assert re.search(message, text) and "\n" not in text and refused.value.exit_code == 2
    assert os.listdir(tmp_path) == []


def test_ctrl_c_says_how_to_go_on(monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("optax_zoo.race.ablation.command.ablate", interrupted)
    with pytest.raises(click.ClickException, match=r"continue with: optax-zoo ablate sgd .* --resume") as raised:
        run("sgd", "--slot", "momentum=trace(0.9)")
    assert raised.value.exit_code == 130


def test_the_options_are_those_of_a_race():
    own = {"optimizers", "tasks", "search", "samples", "halving", "time_budget", "top"}
    shared = {parameter.name for parameter in race_command.params} - own
    assert {parameter.name for parameter in command.params} == shared | {"base", "levels", "task"}
    out = {each.name: each.default for each in (*race_command.params, *command.params) if each.name == "out"}
    assert out == {"out": "ablation-results"}
    assert next(each for each in race_command.params if each.name == "out").default == "race-results"


def test_options_are_in_the_documentation_with_their_defaults():
    text = (pathlib.Path(__file__).parents[2] / "docs" / "ablate.md").read_text()
    rows = [
        [cell.strip(" `") for cell in line.split("|")[1:3]] for line in text.splitlines() if line.startswith("| `--")
    ]
    documented = {option.split()[0]: default for option, default in rows}
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    assert documented.keys() == {parameter.opts[0] for parameter in options}
    assert all(documented[p.opts[0]] == str(p.default) for p in options if p.show_default)
