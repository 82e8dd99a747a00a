"""trials.jsonl: exact, and readable after whatever has torn it."""

import contextlib
import json
import resource
from pathlib import Path

import numpy as np
import pytest

from optax_zoo.race import RaceError
from optax_zoo.race.storage.batches import Batches, Key, Trials
from optax_zoo.race.storage.lines import Lines

KEYS = [Key.of(0.1, (0.9, 1e-8), 0), Key.of(0.1, (0.9, 1e-8), 1)]


def outcomes(count, seed=0):
    """Random trials with three evaluations: float32 of all magnitudes, one NaN and one infinity."""
    random = np.random.default_rng(seed)

    def values(*shape):
        return (random.normal(size=shape) * 10.0 ** random.integers(-38, 38, shape)).astype(np.float32)

    trials = Trials(*(random.random(count) < 0.5 if n == "diverged" else values(count) for n in Trials._fields))
    curves = {name: values(count, 3) for name in ("train_loss", "validation_loss", "validation_metric")}
    curves["train_loss"][0, :2] = np.nan, np.inf
    return trials._replace(**curves)


@contextlib.contextmanager
def full_beyond(size):
    """No file can grow beyond a size."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def assert_same(one, other):
    for name, a, b in zip(Trials._fields, one, other, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert (a.dtype, a.shape) == (b.dtype, b.shape), name
        np.testing.assert_array_equal(np.where(np.isfinite(a), a, np.nan), b, err_msg=name)


def test_trials_come_back_exactly(tmp_path):
    written = Batches(tmp_path / "trials.jsonl")
    written.add("adam", KEYS, outcomes(2), seconds=0.1)
    written.add("adam", [KEYS[0]._replace(seed=2)], outcomes(1, seed=1), seconds=1 / 3)
    read = Batches(tmp_path / "trials.jsonl")
    for batches in (written, read):
        known = batches.known("adam")
        assert list(known) == [*KEYS, KEYS[0]._replace(seed=2)]
        for number, key in enumerate(KEYS):
            assert_same(Trials(*(x[number] for x in outcomes(2))), known[key])
            assert known[key].train_loss.dtype == np.float32
        assert list(batches.timings("adam")) == [(0.1, 2), (1 / 3, 1)]
        assert not batches.known("sgd") and not batches.timings("sgd")


def test_without_a_file_batches_are_kept_in_memory(tmp_path):
    batches = Batches(None)
    batches.add("adam", KEYS, outcomes(2), seconds=0.1)
    assert_same(Trials(*(x[1] for x in outcomes(2))), batches.known("adam")[KEYS[1]])


def test_keys_are_numbers_of_float32():
    assert Key.of(0.1, [1e-8], np.int64(3)) == Key.of(np.float32(0.1), [float(np.float32(1e-8))], 3)
    assert Key.of(0.1, [], 0) != Key.of(np.nextafter(np.float32(0.1), np.float32(1)), [], 0)


def test_wherever_a_kill_tears_the_last_line_the_others_are_read(tmp_path):
    path = tmp_path / "trials.jsonl"
    whole = Batches(path)
    whole.add("adam", KEYS[:1], outcomes(1), seconds=0.1)
    first = path.read_bytes()
    whole.add("adam", KEYS[1:], outcomes(1, seed=1), seconds=0.2)
    content = path.read_bytes()
    for end in range(len(first), len(content)):
        path.write_bytes(content[:end])
        torn = Batches(path)
        assert list(torn.known("adam")) == KEYS[:1]
        torn.add("adam", KEYS[1:], outcomes(1, seed=1), seconds=0.2)
        assert path.read_bytes() == content


@pytest.mark.parametrize(
    "damage",
    [
        lambda line: "\n",
        lambda line: line.replace("{", "", 1),
        lambda line: line.replace('"adam"', "[]"),
        lambda line: line.replace('"test_loss"', '"loss"'),
        lambda line: "[1]\n",
        lambda line: json.dumps({**json.loads(line), "test_loss": [1.0]}) + "\n",
        lambda line: json.dumps({**json.loads(line), "test_loss": ["a", "b"]}) + "\n",
        lambda line: json.dumps({**json.loads(line), "keys": [[0.1, [], 0, 1]] * 2}) + "\n",
    ],
)
def test_a_line_that_is_no_batch_is_named(tmp_path, damage):
    path = tmp_path / "trials.jsonl"
    Batches(path).add("adam", KEYS, outcomes(2), seconds=0.1)
    path.write_text(damage(path.read_text()) * 2)
    with pytest.raises(
        RaceError, match=r"cannot resume: .*trials.jsonl' holds a line that is not a batch of trials \("
    ):
        Batches(path)


def test_a_folder_that_is_removed_is_one_sentence(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    batches = Batches(folder / "trials.jsonl")
    batches.add("adam", KEYS[:1], outcomes(1), seconds=0.1)
    (folder / "trials.jsonl").unlink()
    with pytest.raises(RaceError, match=r"cannot write to .*: No such file or directory; what is finished is kept"):
        batches.add("adam", KEYS[1:], outcomes(1), seconds=0.1)
    folder.rmdir()
    with pytest.raises(RaceError, match=r"its folder has been removed during the race\.$"):
        batches.add("adam", KEYS[1:], outcomes(1), seconds=0.1)
    assert list(batches.known("adam")) == KEYS[:1]


def test_a_full_disk_loses_nothing_and_the_file_goes_on_once_there_is_room(tmp_path):
    path = tmp_path / "trials.jsonl"
    batches = Batches(path)
    batches.add("adam", KEYS[:1], outcomes(1), seconds=0.1)
    room = path.stat().st_size + 100
    with (
        full_beyond(room),
        pytest.raises(RaceError, match=r"cannot write .*: File too large; .*--resume"),
    ):
        batches.add("adam", KEYS[1:], outcomes(1, seed=1), seconds=0.2)
    assert path.stat().st_size == room  # the line is torn
    assert list(Batches(path).known("adam")) == list(batches.known("adam")) == KEYS[:1]
    batches.add("adam", KEYS[1:], outcomes(1, seed=1), seconds=0.2)
    assert list(Batches(path).known("adam")) == list(batches.known("adam")) == KEYS


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_device_is_one_sentence():
    with pytest.raises(RaceError, match=r"^cannot write to '/dev/full': No space left on device; "):
        Lines(Path("/dev/full")).add("line")
