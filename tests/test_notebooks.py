"""The notebooks of the examples run from top to bottom, and are stored without what they print."""

import json
import re
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from optax_zoo import registry

NOTEBOOKS = Path(__file__).parents[1] / "examples" / "notebooks"
NAMES = ["student", "practitioner", "inventor"]


def cells(name):
    return json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]


@pytest.fixture
def run(monkeypatch, capsys):
    """A function that runs a notebook: its names, what it prints, and how many figures it draws."""
    from matplotlib import pyplot

    backend = matplotlib.get_backend()
    pyplot.switch_backend("agg")
    monkeypatch.setattr(registry, "ALGORITHMS", dict(registry.ALGORITHMS))

    def run(name):
        names = {"__name__": "__main__"}
        for number, cell in enumerate(cells(name)):
            if cell["cell_type"] == "code":
                exec(compile("".join(cell["source"]), f"{name}, cell {number}", "exec"), names)
        figures = len(pyplot.get_fignums())
        return names, capsys.readouterr().out, figures

    yield run
    pyplot.close("all")
    pyplot.switch_backend(backend)


def test_every_notebook_is_run():
    assert {path.stem for path in NOTEBOOKS.glob("*.ipynb")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_stored_without_outputs(name):
    code = [cell for cell in cells(name) if cell["cell_type"] == "code"]
    assert code and all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    ids = [cell["id"] for cell in cells(name)]
    assert len(set(ids)) == len(ids) and "".join(cells(name)[0]["source"]).startswith("# ")


@pytest.mark.slow
def test_the_student_sees_what_is_said(run):
    names, printed, figures = run("student")
    slow, fast, heavy, straight, sign = (names[name] for name in ("slow", "fast", "heavy", "without_average", "sign"))
    assert names["height"](heavy[-1]) < names["height"](slow[-1]) / 10  # momentum is faster along the valley
    assert np.all(np.diff(np.sign(fast[:20, 1])) != 0) and np.all(straight[:, 1] > -0.01)  # from side to side, and not
    assert 0.02 < np.abs(sign[-10:]).max() < 0.2  # not nearer than the rate
    assert names["best"]["sgd"] <= 0.1 and names["best"]["adam"] > 0.05
    assert "velocity=trace(0.9)" in printed and figures == 6


@pytest.mark.slow
def test_the_practitioner_trains_and_races(run):
    names, printed, figures = run("practitioner")
    assert all(losses[-1] < losses[0] and accuracy > 0.9 for losses, accuracy in names["found"].values())
    assert sorted(row.optimizer for row in names["result"].rows) == ["adamw", "lion", "sgd"] and figures == 1
    assert re.search(r"^test accuracy: 0\.9\d\d$", printed, re.MULTILINE) and printed.count("at its default") == 3


@pytest.mark.slow
def test_the_inventor_ends_with_a_table(run):
    names, printed, _ = run("inventor")
    assert {outcome.status for outcome in names["report"].outcomes} == {"passed"}
    assert [outcome.status for outcome in names["draft"].outcomes] == ["failed"]
    assert sorted(row.optimizer for row in names["result"].rows) == ["adam", "lion", "soft_lion"]
    assert "\\begin{tabular}" in printed and printed.rstrip().endswith("rescale=soft_sign(0.5), learning_rate=0.001)")
