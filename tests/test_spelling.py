"""One reading of what names an optimizer, in all commands and functions."""

import json
import sys

import numpy as np
import optax
import pytest

import optax_zoo as zoo
from optax_zoo import cli, conformance
from optax_zoo.animate import AnimationError, animate
from optax_zoo.cost.scaling import rows
from optax_zoo.cost.step import measure
from optax_zoo.race import RaceError, ablate, race
from optax_zoo.running.entrants import resolve
from optax_zoo.spelling import RATE, read

MINE = '''
import optax
import optax_zoo as zoo

def factory(rate):
    """Expectigrad that averages its steps.

    A second paragraph, with a formula::

        x + y
    """
    return zoo.expectigrad(rate).replace(velocity=zoo.trace(0.5))

def plain(learning_rate=0.25, *, b1=0.5):
    return optax.adam(learning_rate, b1)

def positional(rate, /, b1=0.5):
    return optax.adam(rate, b1)

def needy(learning_rate, inner):
    return inner

def rateless():
    return optax.scale(-0.1)

def broken(learning_rate):
    raise RuntimeError("not yet")
'''
SPELLINGS = ("adam", "optax.adam", "optax:adam", "optax.contrib.ademamix", "mine:factory", "mine:plain")
REFUSED = {
    "adm": "name is 'adm', but",
    "noisy_sgd": "optax.noisy_sgd",
    "optax.adm": "is 'optax.adm', but optax has no function 'adm'; did you mean 'optax.adam'?",
    "optax.muon": "did you mean 'optax.contrib.muon'?",
    "optax.masked": "which must be given inner, mask",
    "mine.factory": "written with a colon, 'mine:factory'",
    "mine:nothing": "module 'mine' has no function 'nothing'",
    "no_such_module:f": "module 'no_such_module' does not import",
}


@pytest.fixture(autouse=True)
def mine(tmp_path, monkeypatch):
    """A module of the user's in the current folder."""
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    sys.modules.pop("mine", None)
    yield
    sys.modules.pop("mine", None)


def commands(spelling):
    """Each command that takes an optimizer, at its quickest."""
    quick = ["--rates", "0.1", "--seeds", "1", "--final-seeds", "2", "--steps", "2", "--no-report"]
    return {
        "show": ["show", spelling],
        "check": ["check", spelling, "--only", "scalar_leaf", "--json"],
        "cost": ["cost", spelling, "--tree", "mine_tree.json", "--rounds", "0", "--against", spelling],
        "scale": ["cost", spelling, "--mesh", "1"],
        "animate": ["animate", "--optimizers", spelling, "--rates", "0.01", "--steps", "2"],
        "race": ["race", "--optimizers", spelling, "--task", "quadratic", *quick, "--out", "raced"],
        "ablate": ["ablate", spelling, "--task", "quadratic", "--slot", "rescale=optax.scale(0.5)", *quick],
    }


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_quick_command_takes_every_spelling(spelling, tmp_path, capsys):
    (tmp_path / "mine_tree.json").write_text(json.dumps({"w": [4, 4]}))
    for name in ("show", "cost", "scale"):
        assert cli.main(commands(spelling)[name]) == 0, name
        assert spelling in capsys.readouterr().out


@pytest.mark.slow
def test_what_trains_takes_what_is_the_users_and_optaxs(capsys):
    assert cli.main(commands("optax.adam")["check"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "optax.adam"
    three = ["mine:factory", "optax.contrib.ademamix", "optax:sgd"]
    quick = {"task": "quadratic", "rates": [0.1], "seeds": 1, "final_seeds": 2, "steps": 2, "progress": False}
    assert {row.optimizer for row in race(three, **quick).rows} == set(three)
    assert [path.optimizer for path in animate(three, rates=[0.01], steps=2, progress=False).paths] == three
    ablation = ablate("mine:factory", velocity=[None], **quick)
    assert {each.name for each in ablation.combinations} == {"mine:factory", "mine:factory[velocity=none]"}


@pytest.mark.parametrize("spelling, message", REFUSED.items())
def test_every_command_refuses_in_the_same_words(spelling, message, capsys, tmp_path):
    before = sorted(tmp_path.iterdir())
    for name, words in commands(spelling).items():
        if (name, spelling) in (("show", "optax.masked"),):
            continue  # shows what can be known, and that it cannot be made
        assert cli.main(words) == 2, name
        captured = capsys.readouterr()
        assert message in captured.err and captured.err.count("\n") == 1 and captured.out == "", name
    assert cli.main(["cost", "adam", "--rounds", "0", "--against", spelling]) == 2
    assert message in capsys.readouterr().err
    assert sorted(path for path in tmp_path.iterdir() if path.name != "__pycache__") == before


@pytest.mark.parametrize("spelling, message", [*REFUSED.items(), ("mine:rateless", "takes no learning_rate")])
def test_the_functions_refuse_in_the_same_words(spelling, message):
    with pytest.raises(RaceError) as raced:
        race([spelling], task="quadratic", progress=False)
    with pytest.raises(RaceError) as ablated:
        ablate(spelling, momentum=[None], task="quadratic", progress=False)
    with pytest.raises(AnimationError) as animated:
        animate([spelling], progress=False)
    for error in (raced, ablated, animated):
        assert message in str(error.value)


def test_python_takes_names_as_the_command_line_does():
    assert conformance.check("optax.adam", only="scalar_leaf").ok
    assert conformance.check("mine:plain", only="scalar_leaf").ok
    (row,) = rows(["optax.adam"], ["7b"], [1])
    assert row.optimizer == "optax.adam"
    cost = measure("adam", "optax:adam", "tree", {"w": np.zeros((4, 4), np.float32)}, rounds=0)
    assert (cost.optimizer, cost.against) == ("adam", "optax:adam")


def test_a_name_brings_what_the_registry_says_of_it():
    report = conformance.check("santa_e", needs=["value"], only=["sign_symmetry"])
    assert report.counts == {"skipped": 1}
    assert conformance.check("adam", claims=["sign"], only=["sign_symmetry"]).counts == {"passed": 1}
    with pytest.raises(ValueError, match="name is 'adm'"):
        conformance.check("adm")


@pytest.mark.parametrize(
    "spelling, expected",
    [
        ("optax.adam", {"learning_rate": RATE}),
        ("mine:plain", {}),
        ("mine:factory", {"rate": RATE}),
        ("mine:positional", {"rate": RATE}),
        ("adam", dict(zoo.describe("adam").example)),
    ],
)
def test_what_must_be_given_a_rate_is_given_one(spelling, expected):
    found = read(spelling)
    assert found.example == expected and isinstance(found.make(), optax.GradientTransformation)


@pytest.mark.parametrize("name", ["mine:plain", "mine:positional"])
def test_the_first_argument_of_a_users_function_is_the_rate_and_the_others_are_searched(name):
    entrant = resolve([name])[name]
    assert entrant.defaults == {"b1": 0.5}
    both = entrant.at(0.125, b1=0.75), optax.adam(0.125, 0.75)
    gradient = np.float32([1.0, -2.0])
    ours, theirs = (tx.update(gradient, tx.init(gradient))[0] for tx in both)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name, message", [("mine:needy", "given inner"), ("mine:broken", "RuntimeError: not yet")])
def test_a_function_that_cannot_be_made_is_one_line(name, message, capsys):
    assert cli.main(["cost", name, "--mesh", "1"]) == 2
    assert message in capsys.readouterr().err


def test_show_says_what_can_be_known(capsys):
    assert cli.main(["show", "mine:factory"]) == 0
    flat = " ".join(capsys.readouterr().out.split())
    assert "Expectigrad that averages its steps. A second paragraph" in flat and "x + y" not in flat
    assert "factory(rate)" in flat and "velocity=trace(0.5)" in flat and "16 bytes per float32 parameter" in flat
    assert cli.main(["show", "optax.lbfgs"]) == 0
    flat = " ".join(capsys.readouterr().out.split())
    assert "Needs params, value, grad, value_fn" in flat and " at 0x" not in flat
    assert cli.main(["show", "optax.contrib.muon"]) == 0
    flat = " ".join(capsys.readouterr().out.split())
    assert "Needs params" in flat and "not a Pipeline" in flat and "learning_rate=0.001" in flat
    assert cli.main(["show", "optax.masked"]) == 0
    assert "must be given inner, mask" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("base", ["optax.adam", "optax:adam", "mine:plain"])
def test_what_has_no_slots_is_not_ablated(base, capsys):
    assert cli.main(["ablate", base, "--slot", "momentum=none"]) == 2
    error = capsys.readouterr().err
    assert "has no slots, but must make a Pipeline: name a registered algorithm" in error and error.count("\n") == 1
    assert " at 0x" not in error
