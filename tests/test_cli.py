"""The command line: what it prints, and one line for whatever is wrong."""

import re
import subprocess
import sys

import pytest

import optax_zoo
from optax_zoo import cli
from optax_zoo.registry import families

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


@pytest.mark.parametrize("columns", [80, 100, 200])
def test_list_fits_a_screen_and_names_every_algorithm_in_its_family(capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert cli.main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 40 and max(map(len, lines)) <= columns
    total = f"{len(optax_zoo.list_algorithms())} algorithms in {len(families())} families"
    (end,) = (number for number, line in enumerate(lines) if line.startswith(total))
    found, family = {}, None
    for line in lines[:end]:
        named = re.match(r"(\w+) \((\d+)\)", line)
        family = named[1] if named else family
        found.setdefault(family, []).extend(line[named.end() if named else 0 :].split())
    lists = {family: optax_zoo.list_algorithms(lambda each, family=family: each.family == family) for family in found}
    assert found == lists and found.keys() == families().keys()
    assert all(f"{family} ({len(names)})" in "\n".join(lines) for family, names in found.items())


def test_long_list_shows_every_algorithm(capsys):
    assert cli.main(["list", "--long"]) == 0
    printed = capsys.readouterr().out
    for name in optax_zoo.list_algorithms():
        known = optax_zoo.describe(name)
        (line,) = (line for line in printed.splitlines() if line.startswith(f"  {name} "))
        assert str(known.year) in line and f"{known.state_bytes:g} B" in line
        shown = line.rstrip("…").split("  ")[-1].strip()
        assert shown and shown in known.full_name
        assert f"\n{known.family}" in printed
    assert len(printed.splitlines()) == 1 + len(optax_zoo.list_algorithms()) + 2 * len(families()) + 3


@pytest.mark.parametrize(("pattern", "names"), [("rms*", ["rmsprop", "rmsprop_graves"]), ("LEARNED", ["learned_lstm"])])
def test_list_filters_by_name_or_family(capsys, pattern, names):
    assert cli.main(["list", "--filter", pattern]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if line.startswith("  ")][1:] == names


def test_list_does_not_say_the_name_twice(capsys):
    assert cli.main(["list", "--filter", "adabelief,rmsprop_graves,sgd"]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "adabelief 2020 8 B step sizes by the belief in gradients" in lines
    assert "rmsprop_graves 2013 12 B RMSprop in Graves's form" in lines


def test_list_takes_families_and_several_patterns_and_fits_a_screen(capsys):
    assert cli.main(["list", "--filter", "family:sign, rms*"]) == 0
    printed = capsys.readouterr().out
    names = {line.split()[0] for line in printed.splitlines() if line.startswith("  ")} - {"name"}
    expected = optax_zoo.list_algorithms(lambda each: each.family == "sign" or each.name.startswith("rms"))
    assert names == set(expected) and f"{len(expected)} algorithms in 2 families" in printed
    assert cli.main(["list", "--long"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    starts = {line.index(" B  ") for line in lines if " B  " in line}
    assert len(starts) == 1  # one column, however large a state


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
    assert f"family: {known.family}" in printed and f"proof: {known.proof}" in printed
    for title in ("Update", "Composition", "Hyperparameters", "State", "Source", "Conformance"):
        assert f"\n{title}\n" in printed
    assert "\\" not in printed and ":math:" not in printed and ".. math" not in printed


def test_show_prints_entries_of_publications_as_they_are(capsys):
    assert cli.main(["show", "adam,galore,adamax", "--bibtex"]) == 0
    assert capsys.readouterr().out == optax_zoo.bibtex(["adam", "galore"])
    assert "Did you mean 'adam'?" in refused(capsys, "show", "lion,adm", "--bibtex")


def completed(capsys, monkeypatch, line, shell="bash"):
    """What a shell is offered for the last word of a line."""
    *before, last = line.split(" ")
    words = {"COMP_WORDS": line, "COMP_CWORD": last if shell == "fish" else str(len(before))}
    for name, value in {"_OPTAX_ZOO_COMPLETE": f"{shell}_complete", **words}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        cli.main([])
    assert ended.value.code == 0
    offers = filter(None, capsys.readouterr().out.splitlines())
    return [offer.split(",", 1)[1] if shell == "bash" else offer for offer in offers]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("optax-zoo show rmsp", ["rmsprop", "rmsprop_graves"]),
        ("optax-zoo show --tree 1b novog", ["novograd"]),
        ("optax-zoo show lion,novog", ["lion,novograd"]),
        ("optax-zoo race --optimizers sgd,rmsp", ["sgd,rmsprop", "sgd,rmsprop_graves"]),
        ("optax-zoo race --optimizers rmsprop,rmsp", ["rmsprop,rmsprop_graves"]),
        ("optax-zoo animate --optimizers lion,family:si", ["lion,family:sign"]),
        ("optax-zoo race --optimizers optax.adamax", ["optax.adamax", "optax.adamaxw"]),
        ("optax-zoo ablate novog", ["novograd"]),
        ("optax-zoo check novog", ["novograd"]),
        ("optax-zoo cost adam novog", ["novograd"]),
        ("optax-zoo cost adam --against novog", ["novograd"]),
        ("optax-zoo show zz", []),
    ],
)
def test_shells_complete_names_of_optimizers(capsys, monkeypatch, line, offered):
    assert completed(capsys, monkeypatch, line) == offered


def test_shells_are_offered_all_of_ours_for_an_empty_word_and_say_what_they_are(capsys, monkeypatch):
    assert completed(capsys, monkeypatch, "optax-zoo show ") == optax_zoo.list_algorithms()
    assert completed(capsys, monkeypatch, "optax-zoo show novog", "zsh") == [
        "plain",
        "novograd",
        optax_zoo.describe("novograd").full_name,
    ]
    assert completed(capsys, monkeypatch, "optax-zoo race --optimizers lion,novog", "fish") == [
        f"plain,lion,novograd\t{optax_zoo.describe('novograd').full_name}"
    ]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_scripts_for_shells_are_printed(capsys, monkeypatch, shell):
    monkeypatch.setenv("_OPTAX_ZOO_COMPLETE", f"{shell}_source")
    with pytest.raises(SystemExit) as ended:
        cli.main([])
    assert ended.value.code == 0 and f"_OPTAX_ZOO_COMPLETE={shell}_complete" in capsys.readouterr().out


def test_race_prints_a_table_and_says_where_the_rest_is(capsys, tmp_path):
    out = tmp_path / "results"
    assert cli.main([*RACE, "--target", "0.01", "--no-report", "--out", str(out)]) == 0
    captured = capsys.readouterr()
    assert "sgd" in captured.out and "optax.sgd" in captured.out and "IQM" in captured.out
    assert str(out) in "".join(captured.out.split())
    assert "[1/2]" in captured.err and "sgd: tuning" in captured.err

    before = (out / "results.jsonl").read_bytes()
    assert "holds results already" in refused(capsys, *RACE, "--out", str(out))
    assert "target was 0.01 and now is -0.5" in refused(capsys, *RACE, "--out", str(out), "--resume")
    assert (out / "results.jsonl").read_bytes() == before
    assert cli.main([*RACE, "--target", "0.01", "--no-report", "--out", str(out), "--resume"]) == 0
    assert capsys.readouterr().out == captured.out


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["lst"], "No such command 'lst'"),
        (["list", "--filter", "zz"], "filter is 'zz', but matches no algorithm and no family; families are adam,"),
        (["new", "adam", "--family", "adam"], "name is 'adam', but that algorithm is registered already"),
        (["new", "Adam", "--family", "adam"], "name is 'Adam', but must be a lower-case name of Python"),
        (["new", "ours", "--family", "adm"], "family is 'adm', but must be a package in optax_zoo/algorithms: adam,"),
        (["new", "ours", "--family", "adam", "--slots", "bound"], "slots has 'bound', but may have gradient,"),
        (["show"], "Missing argument 'NAME'"),
        (["show", "adm"], "Did you mean 'adam'?"),
        (["race", "--optimizers", "adm"], "Did you mean 'adam'?"),
        (["race", "--optimizers", ""], "name is ''"),
        (["race", "--optimizers", "family:adm"], "there is no such family; families are adam, adaptive,"),
        (["race", "--optimizers", "zz*"], "optimizer is 'zz*', but no name matches this pattern"),
        (["race", "--top", "-1"], "x>=0"),
        (["animate", "--optimizers", "family:adm"], "Did you mean 'family:adam'?"),
        (["race", "--optimizers", "optax.nothing"], "optax has no function 'nothing'; did you mean"),
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
        ("jinja2", RACE),
        ("filelock", RACE),
    ],
)
def test_a_missing_package_is_one_line_that_names_the_extra(capsys, tmp_path, monkeypatch, missing, arguments):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, missing, None)
    line = refused(capsys, *arguments)
    assert line.startswith(
        f"optax-zoo: this needs {missing}, which the extra race installs: pip install 'optax_zoo[race]'"
    )


def test_the_race_and_the_command_line_import_without_the_extra():
    extras = "{'click', 'rich', 'flax', 'sklearn', 'scipy', 'matplotlib', 'jinja2', 'psutil'}"
    code = f"import sys, optax_zoo.race, optax_zoo.cli; sys.exit(bool({extras} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_as_a_module_wrong_input_ends_with_code_2_and_no_traceback():
    done = subprocess.run([sys.executable, "-m", "optax_zoo.cli", "show", "adm"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("optax-zoo: name is 'adm'") and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["race", "--optimizers", "sgd"],
        ["race", "--optimizers", "sgd", "--task", "quadratic,reddi"],
        ["ablate", "momentum", "--slot", "velocity=none"],
        ["animate", "--optimizers", "sgd"],
        ["report", "."],
    ],
)
@pytest.mark.parametrize("out", ["", " "])
def test_a_folder_without_a_name_is_refused(capsys, tmp_path, monkeypatch, arguments, out):
    monkeypatch.chdir(tmp_path)
    assert f"out is {out!r}, but must be the name of a folder" in refused(capsys, *arguments, "--out", out)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["--no-report"], []])
def test_a_report_is_promised_only_where_there_is_one(capsys, monkeypatch, words):
    monkeypatch.setattr("optax_zoo.race.command.race", lambda **options: None)
    monkeypatch.setattr("optax_zoo.race.terminal.report.tables", lambda results, width, top: [])
    assert cli.main(["race", "--task", "quadratic", "--out", "somewhere", *words]) == 0
    printed = capsys.readouterr().out
    assert ("report.html" in printed) is (not words) and "somewhere" in printed and "pictures" in printed
