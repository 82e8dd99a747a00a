"""The command line: what it prints, and one line for whatever is wrong."""

import re
import subprocess
import sys

import pytest

import optax_zoo
from optax_zoo import cli

RACE = ["race", "--optimizers", "sgd,optax.sgd", "--steps", "2", "--seeds", "1", "--final-seeds", "2", "--rates", "0.1"]


def refused(capsys, *arguments):
    """The one line of a refusal."""
    assert cli.main(list(arguments)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("optax-zoo: ") and captured.err.count("\n") == 1
    return captured.err


def test_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"optax-zoo {optax_zoo.__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["--help"], ["race", "--help"]])
def test_help(capsys, arguments):
    assert cli.main(arguments) == 0
    captured = capsys.readouterr()
    assert "Usage: optax-zoo" in captured.out and captured.err == ""


def test_list_shows_every_algorithm(capsys):
    assert cli.main(["list"]) == 0
    printed = capsys.readouterr().out
    for name in optax_zoo.list_algorithms():
        known = optax_zoo.describe(name)
        line = next(line for line in printed.splitlines() if line.split()[:1] == [name])
        assert str(known.year) in line and f"{known.state_bytes:g} B" in line
        assert known.full_name.split()[0] in line and known.paper.split()[0] in printed


@pytest.mark.parametrize("name", optax_zoo.list_algorithms())
def test_show_says_all_that_is_known(capsys, name):
    assert cli.main(["show", name]) == 0
    printed = capsys.readouterr().out
    known = optax_zoo.describe(name)
    flat = " ".join(printed.split())
    assert known.url in printed and known.full_name in flat and known.paper in flat
    assert "".join(known.composition.split()) in "".join(printed.split())
    for hyperparameter, default in known.defaults.items():
        assert re.search(rf"^  {hyperparameter} +{re.escape(repr(default))} +\S", printed, re.MULTILINE)
    for title in ("Update", "Composition", "Hyperparameters", "State", "Source", "Conformance"):
        assert f"\n{title}\n" in printed
    assert "\\" not in printed and ":math:" not in printed and ".. math" not in printed


def test_race_prints_a_table_and_says_where_the_rest_is(capsys, tmp_path):
    out = tmp_path / "results"
    assert cli.main([*RACE, "--target", "0.01", "--no-report", "--out", str(out)]) == 0
    captured = capsys.readouterr()
    assert "sgd" in captured.out and "optax.sgd" in captured.out and "IQM" in captured.out
    assert str(out) in "".join(captured.out.split())
    assert "[1/2]" in captured.err and "sgd: tuning" in captured.err

    before = (out / "results.jsonl").read_bytes()
    assert "holds results already" in refused(capsys, *RACE, "--out", str(out))
    assert "target was 0.01 and now is 0.95" in refused(capsys, *RACE, "--out", str(out), "--resume")
    assert (out / "results.jsonl").read_bytes() == before
    assert cli.main([*RACE, "--target", "0.01", "--no-report", "--out", str(out), "--resume"]) == 0
    assert capsys.readouterr().out == captured.out


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["lst"], "No such command 'lst'"),
        (["show"], "Missing argument 'NAME'"),
        (["show", "adm"], "Did you mean 'adam'?"),
        (["race", "--optimizers", "adm"], "Did you mean 'adam'?"),
        (["race", "--optimizers", ""], "name is ''"),
        (["race", "--optimizers", "optax.nothing"], "must be of optax"),
        (["race", "--rates", "0.1,x"], "must be numbers above 0"),
        (["race", "--rates", "0.1,0"], "rates has 0.0, but must hold finite numbers above 0"),
        (["race", "--rates", "inf"], "rates has inf"),
        (["race", "--seeds", "0"], "x>=1"),
        (["race", "--seeds", "two"], "not a valid integer"),
        (["race", "--final-seeds", "1"], "x>=2"),
        (["race", "--steps", "0"], "x>=1"),
        (["race", "--steps", "9999999999"], "steps is 9999999999"),
        (["race", "--seed", "-1"], "x>=0"),
        (["race", "--target", "nan"], "target is nan"),
        (["race", "--nothing"], "No such option"),
        (["race", "more"], "unexpected extra argument"),
    ],
)
def test_wrong_input_is_one_line(capsys, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert message in refused(capsys, *arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_one_line(capsys, tmp_path):
    (tmp_path / "file").write_text("kept")
    assert "cannot write to" in refused(capsys, *RACE, "--out", str(tmp_path / "file" / "below"))
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize(
    "missing, arguments",
    [
        ("click", ["list"]),
        ("rich", ["show", "adam"]),
        ("flax", RACE),
        ("sklearn", RACE),
        ("plotly", RACE),
        ("filelock", RACE),
    ],
)
def test_a_missing_package_is_one_line_that_names_the_extra(capsys, tmp_path, monkeypatch, missing, arguments):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, missing, None)
    line = refused(capsys, *arguments)
    assert line.startswith(
        f"optax-zoo: this needs {missing}, which the extra race brings: pip install 'optax_zoo[race]'"
    )


def test_the_race_and_the_command_line_import_without_the_extra():
    extras = "{'click', 'rich', 'flax', 'sklearn', 'scipy', 'matplotlib', 'plotly', 'jinja2', 'psutil'}"
    code = f"import sys, optax_zoo.race, optax_zoo.cli; sys.exit(bool({extras} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_as_a_module_wrong_input_ends_with_code_2_and_no_traceback():
    done = subprocess.run([sys.executable, "-m", "optax_zoo.cli", "show", "adm"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("optax-zoo: name is 'adm'") and done.stderr.count("\n") == 1


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
    assert re.search(r"scalar_leaf +unexpected pass .* not ready", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["expectgrad"], "Did you mean 'expectigrad'?"),
        (["no_such_module:f"], "module 'no_such_module' does not import"),
        (["optax:no_such_function"], "module 'optax' has no function 'no_such_function'"),
        (["optax:adam"], "must be given learning_rate: --set learning_rate=..."),
        (["optax:sgd", "--set", "learning_rate=0.1", "--set", "mu=1"], "unexpected keyword argument 'mu'"),
        (["json:loads", "--set", "s=1"], "must return a transformation"),
        (["sgd", "--set", "learning_rate"], "must have the form NAME=TEXT"),
        (["sgd", "--set", "learning_rate=-1"], "learning_rate is -1, but must be at least 0"),
        (["sgd", "--only", "scalar_laef"], "Did you mean 'scalar_leaf'?"),
        (["sgd", "--needs", "loss"], "needs is 'loss', but must be one of"),
        (["sgd", "--claims", "scales"], "Did you mean 'scale'?"),
        (["sgd", "--expect", "scalar_leaf"], "must have the form NAME=TEXT"),
    ],
)
def test_wrong_input_of_check_is_one_line(capsys, arguments, message):
    assert message in refused(capsys, "check", *arguments)
