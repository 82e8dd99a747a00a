"""What is recorded of the algorithms: a folder for each, with nothing missing and nothing of no use."""

import inspect
from pathlib import Path

import pytest
from registered import FOLDERS

import optax_zoo as zoo

RECORDED = {
    "golden.json": "trajectories of an original: python tests/record.py NAME MODULE:CLASS",
    "replay.py": "how the hyperparameters of the original are said here, see docs/add_an_algorithm.md",
    "state.npz": "a frozen state: python tests/frozen/freeze.py",
    "figures.json": "what a step costs: python tests/step_cost/figures.py NAME",
}
OPTIONAL = {"counterpart.py", "gathers.txt", "heavy.txt", "rounding.txt", "temporaries.json"}


@pytest.mark.parametrize("name", zoo.list_algorithms())
def test_nothing_is_missing(name):
    missing = [f"{file}: {how}" for file, how in RECORDED.items() if not (FOLDERS / name / file).exists()]
    assert not missing, f"tests/algorithms/{name} lacks\n" + "\n".join(missing)


@pytest.mark.parametrize("name", zoo.list_algorithms())
def test_nothing_is_left_to_do(name):
    module = Path(inspect.getsourcefile(inspect.unwrap(zoo.describe(name).factory)))
    for file in (module, FOLDERS / name / "replay.py"):
        todo = [line.strip() for line in file.read_text().splitlines() if "TODO" in line] if file.exists() else []
        assert not todo, f"{file} has\n" + "\n".join(todo)


def test_every_folder_is_of_a_registered_algorithm():
    folders = {path.parent.name for path in FOLDERS.glob("*/*") if path.is_file()}
    assert folders == set(zoo.list_algorithms())


def test_every_file_is_known():
    found = {path.name for path in FOLDERS.glob("*/*") if path.is_file()}
    assert found <= RECORDED.keys() | OPTIONAL


def test_what_is_heavy_or_led_by_rounding_says_why():
    assert all(path.read_text().strip().endswith(".") for path in FOLDERS.glob("*/*.txt"))
