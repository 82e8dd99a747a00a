"""What is timed beside PyTorch computes the same."""

import dataclasses
import importlib.metadata
import json

import pytest
import step_time
from peer_pairs import PAIRS, versions
from peer_steps import TOLERANCE, check

import optax_zoo as zoo

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _peers_installed():
    try:
        versions()
    except importlib.metadata.PackageNotFoundError as error:
        pytest.skip(f"{error.name} is not installed: pip install '.[peers]'")


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.peer)
def test_ours_and_theirs_compute_the_same(pair):
    assert 0 < check(pair) <= TOLERANCE


def test_what_differs_is_not_timed():
    other = dataclasses.replace(PAIRS[0], ours=zoo.expectigrad(1e-3, sparse_counter=False))
    with pytest.raises(ValueError, match=r"expectigrad and the authors' Expectigrad differ by .* more than 1e-05"):
        check(other)


def test_the_table_has_a_row_for_each_pair(tmp_path):
    tree = tmp_path / "small.json"
    tree.write_text(json.dumps({"w": [5, 3], "b": [3]}))
    text = step_time.table(str(tree), pairs=2)
    assert [line.split(" | ")[1] for line in text.splitlines()[2 : 2 + len(PAIRS)]] == [pair.peer for pair in PAIRS]
    assert "2 float32 leaves, 18 parameters" in text
