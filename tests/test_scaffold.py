"""`optax-zoo new`: a row that works, is formatted, and says what is missing."""

import importlib.util
import subprocess
import sys

import jax.numpy as jnp
import pytest

import optax_zoo as zoo
from optax_zoo import conformance, registry, scaffold


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A folder like a checkout, and a registry that may change."""
    monkeypatch.setattr(registry, "ALGORITHMS", dict(registry.ALGORITHMS))
    for folder in ("optax_zoo/algorithms/adam", "tests/algorithms"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def imported(path, monkeypatch):
    """The module of a path, under the name that it has in the package."""
    spec = importlib.util.spec_from_file_location(f"optax_zoo.algorithms.adam.{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(zoo, path.stem, getattr(module, path.stem), raising=False)
    return getattr(module, path.stem)


@pytest.mark.parametrize(
    "slots",
    [("numerator", "denominator"), ("velocity",), ("decay", "momentum"), tuple(scaffold.FILLINGS)],
    ids=",".join,
)
def test_a_row_works_and_is_formatted(checkout, monkeypatch, params, grads, run, slots):
    files = scaffold.begin(checkout, "tall_tale", "adam", slots)
    for command in (["check"], ["format", "--check"]):
        subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--quiet", "--config", "line-length=120", *files], check=True
        )
    make = imported(files[0], monkeypatch)
    known = zoo.describe("tall_tale")
    assert (known.family, known.proof) == ("adam", "formulas alone")
    assert f"      {list(make().slots)}\n" in files[0].read_text()
    assert all(f"  {name}: " in known.docstring for name in known.defaults)
    _, _, updates = run(zoo.create("tall_tale", **known.example), params, grads, 2)
    assert all(jnp.all(jnp.isfinite(u)) for u in updates.values())
    assert conformance.check(**conformance.registered("tall_tale"), only=["state_is_stable", "scalar_leaf"]).ok


def test_what_is_to_be_done_is_marked(checkout):
    module, replay = scaffold.begin(checkout, "tall_tale", "adam", ["numerator"])
    assert module == checkout / "optax_zoo/algorithms/adam/tall_tale.py" and "TODO" in module.read_text()
    assert replay == checkout / "tests/algorithms/tall_tale/replay.py" and "TODO" in replay.read_text()
    stub = (checkout / "optax_zoo/_discovered.pyi").read_text()
    assert "from optax_zoo.algorithms.adam.tall_tale import tall_tale\n" in stub
    with pytest.raises(ValueError, match="exists already"):
        scaffold.begin(checkout, "tall_tale", "adam", ["numerator"])


@pytest.mark.parametrize(
    ("name", "family", "slots", "message"),
    [
        ("sgd", "adam", ["numerator"], "name is 'sgd', but that algorithm is registered already"),
        ("Ours", "adam", ["numerator"], "name is 'Ours', but must be a lower-case name of Python"),
        ("class", "adam", ["numerator"], "name is 'class', but must be"),
        ("ours", "adm", ["numerator"], "family is 'adm', but must be a package"),
        ("ours", "adam", ["bound"], "slots has 'bound', but may have gradient, numerator"),
        ("ours", "adam", [], "slots is .*, but must have one beside the learning rate"),
    ],
)
def test_what_cannot_be_begun_is_refused_and_leaves_nothing(checkout, name, family, slots, message):
    with pytest.raises(ValueError, match=message):
        scaffold.begin(checkout, name, family, slots)
    assert not list(checkout.glob("**/*.py"))


def test_an_installation_is_no_checkout(tmp_path):
    with pytest.raises(ValueError, match="is not a checkout of the repository"):
        scaffold.begin(tmp_path, "ours", "adam", ["numerator"])
