"""`optax-zoo check`: what it prints, as a table and as JSON, and what it refuses."""

import json
import re

import pytest

from optax_zoo import cli
from optax_zoo.conformance import Outcome, Report

REASON = "its steps are of one length, so that it circles the minimum " * 4 + "and never arrives"


def refused(capsys, *arguments):
    """The one line of a refusal."""
    assert cli.main(list(arguments)) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith("optax-zoo: ") and captured.err.count("\n") == 1
    return captured.err


@pytest.fixture
def reported(monkeypatch):
    """A report of every status, for whatever is checked; and what was asked for."""
    statuses = ("passed", "failed", "skipped", "expected failure", "unexpected pass")
    outcomes = [
        Outcome(f"inject_hyperparams_bfloat16_{n}", "composition", status, "", 1.5) for n, status in enumerate(statuses)
    ]
    outcomes[1:] = [Outcome(o.check, o.group, o.status, f"{REASON}, {o.status}", o.seconds) for o in outcomes[1:]]
    asked = {}

    def check(make_transformation, **options):
        asked.update(options)
        return Report(tuple(outcomes))

    monkeypatch.setattr("optax_zoo.conformance.check", check)
    return asked


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_reasons_stand_whole_under_the_table(reported, capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert cli.main(["check", "sgd"]) == 1
    lines = capsys.readouterr().out.splitlines()
    for number, status in enumerate(("failed", "skipped", "expected failure", "unexpected pass"), 1):
        assert f"inject_hyperparams_bfloat16_{number}, {status}: {REASON}, {status}" in lines
    if columns >= 80:
        assert any(re.search(r"bfloat16_3 +expected failure +1\.5 *$", line) for line in lines)
    assert lines[-1] == "1 passed, 1 failed, 1 skipped, 1 expected failure, 1 unexpected pass"


def test_json_has_every_outcome(reported, capsys):
    assert cli.main(["check", "optax.adam", "--json"]) == 1
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert found["name"] == "optax.adam" and found["ok"] is False and captured.err == ""
    assert found["counts"] == dict.fromkeys(("passed", "failed", "skipped", "expected failure", "unexpected pass"), 1)
    assert len(found["outcomes"]) == 5
    assert found["outcomes"][2] == {
        "check": "inject_hyperparams_bfloat16_2",
        "group": "composition",
        "status": "skipped",
        "message": f"{REASON}, skipped",
        "seconds": 1.5,
    }


@pytest.mark.parametrize(
    "words", [["a,b", "c"], ["a", "b", "c"], ["a, b,c"]], ids=["both", "several options", "one list"]
)
def test_lists_have_commas_or_the_option_again(reported, capsys, words):
    options = [word for option in ("--only", "--needs", "--claims") for text in words for word in (option, text)]
    assert cli.main(["check", "optax.sgd", *options]) == 1
    assert [list(reported[name]) for name in ("only", "needs", "claims")] == [["a", "b", "c"]] * 3


def test_check_prints_every_check_and_says_by_its_code_whether_all_is_well(capsys):
    assert cli.main(["check", "sgd", "--only", "scalar_leaf", "--only", "scale_invariance"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"scalar_leaf +passed", printed) and re.search(r"scale_invariance +skipped", printed)
    assert "1 passed, 1 skipped" in printed
    assert cli.main(["check", "sgd", "--claims", "scale", "--only", "scale_invariance"]) == 1
    assert re.search(r"scale_invariance +failed", capsys.readouterr().out)


def test_check_takes_a_function_of_the_users(capsys, tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(
        "import optax\n\ndef descent(learning_rate):\n    return optax.sgd(learning_rate)\n"
    )
    monkeypatch.chdir(tmp_path)
    assert cli.main(["check", "mine:descent", "--set", "learning_rate=0.1", "--only", "scalar_leaf"]) == 0
    assert "1 passed" in capsys.readouterr().out
    expected = ["--expect", "scalar_leaf=not ready", "--only", "scalar_leaf"]
    assert cli.main(["check", "mine:descent", "--set", "learning_rate=0.1", *expected]) == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert re.search(r"scalar_leaf unexpected pass .*scalar_leaf, unexpected pass: not ready", printed)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["expectgrad"], "Did you mean 'expectigrad'?"),
        (["no_such_module:f"], "module 'no_such_module' does not import"),
        (["optax:no_such_function"], "optax has no function 'no_such_function'"),
        (["optax:masked"], "must be given inner, mask: --set inner=..."),
        (["adam", "--set", "mu=1"], "--set does not fit optimizer 'adam': got an unexpected keyword argument 'mu'"),
        (["optax:sgd", "--set", "learning_rate=0.1", "--set", "mu=1"], "unexpected keyword argument 'mu'"),
        (["json:loads", "--set", "s=1"], "must return a transformation"),
        (["sgd", "--set", "learning_rate"], "must have the form NAME=TEXT"),
        (["sgd", "--set", "learning_rate=-1"], "learning_rate is -1, but must be at least 0"),
        (["sgd", "--only", "scalar_laef"], "Did you mean 'scalar_leaf'?"),
        (["sgd", "--only", "scalar_leaf,scalar_laef"], "Did you mean 'scalar_leaf'?"),
        (["sgd", "--only", "scalar_leaf,"], "check is ''"),
        (["sgd", "--needs", "loss"], "needs is 'loss', but must be one of"),
        (["sgd", "--claims", "scales"], "Did you mean 'scale'?"),
        (["sgd", "--expect", "scalar_leaf"], "must have the form NAME=TEXT"),
    ],
)
def test_wrong_input_of_check_is_one_line(capsys, arguments, message):
    assert message in refused(capsys, "check", *arguments)
