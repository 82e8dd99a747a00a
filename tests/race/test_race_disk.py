"""Races that are killed, or run out of disk, resume to the same table; two into one folder are refused."""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import optax
import pytest

from optax_zoo import momentum
from optax_zoo.race import RaceError, ablate, race, runner
from optax_zoo.race.storage.locks import LOCK, locked
from optax_zoo.race.storage.reading import load

QUICK = {"rates": [0.01, 0.1], "seeds": 1, "final_seeds": 2, "steps": 5, "progress": False, "report": False}
ENTRANTS = {"mine": optax.sgd, "momentum": lambda rate: optax.sgd(rate, 0.9), "adam": optax.adam}
NAMES = ["sgd", "momentum", "nag", "optax.sgd"]
OPTIONS = ["--steps", "3", "--seeds", "1", "--final-seeds", "2", "--rates", "0.1"]


def command(*words):
    return [sys.executable, "-m", "optax_zoo.cli", "race", "--optimizers", ",".join(NAMES), *OPTIONS, *words]


def figures(folder):
    """All rows of a race but their timings."""
    return [{**vars(row), "seconds": None} for row in load(folder).rows]


def never(rate):
    raise AssertionError("something was computed")


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    monkeypatch.setattr(runner, "draw", lambda result, folder: None)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of a race on the command line that nothing has disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    subprocess.run(command("--out", str(folder)), check=True)
    return folder


@pytest.mark.slow
def test_an_interrupted_race_says_how_to_go_on_and_resumes_to_the_same_table(tmp_path, whole):
    trials = tmp_path / "trials.jsonl"
    process = subprocess.Popen(command("--out", str(tmp_path)), stderr=subprocess.PIPE, text=True)
    while not trials.exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    errors = process.communicate()[1]
    assert process.returncode == 130 and not (tmp_path / "report.html").exists()
    assert errors.splitlines()[-1].startswith("optax-zoo: interrupted") and errors.rstrip().endswith("--resume")
    subprocess.run(command("--out", str(tmp_path), "--resume"), check=True)
    assert figures(tmp_path) == figures(whole)


@pytest.mark.slow
def test_a_race_that_is_killed_at_any_moment_resumes_to_the_same_table(tmp_path, whole):
    moments = random.Random(0)
    kept, kills = 0, 0
    while kills < 4:
        process = subprocess.Popen(command("--out", str(tmp_path), "--resume"), stderr=subprocess.DEVNULL)
        while size(tmp_path) == kept and process.poll() is None:
            time.sleep(0.001)
        time.sleep(moments.random() * 0.3)
        if process.poll() is not None:
            break
        process.kill()
        process.wait()
        kills, kept = kills + 1, size(tmp_path)
    assert kills >= 3
    subprocess.run(command("--out", str(tmp_path), "--resume"), check=True)
    assert figures(tmp_path) == figures(whole)
    batches = [json.loads(line) for line in (tmp_path / "trials.jsonl").read_text().splitlines()]
    keys = [(batch["optimizer"], str(key)) for batch in batches for key in batch["keys"]]
    assert len(set(keys)) == len(keys)  # none was run twice


def size(folder):
    return sum(file.stat().st_size for file in folder.glob("*.jsonl"))


@pytest.fixture
def small_disk():
    """A file system of 16 kB, and a function that gives it more."""
    with tempfile.TemporaryDirectory() as folder:
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", folder], capture_output=True).returncode:
            pytest.skip("no file system can be mounted")

        def enlarge():
            subprocess.run(["mount", "-o", "remount,size=64m", folder], check=True)

        try:
            yield Path(folder), enlarge
        finally:
            subprocess.run(["umount", folder], check=True)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="mounts a file system of Linux")
def test_a_race_on_a_full_disk_ends_with_one_sentence_and_goes_on_once_there_is_room(regression, tmp_path, small_disk):
    disk, enlarge = small_disk
    undisturbed = race(ENTRANTS, task=regression, out=tmp_path, **QUICK)
    with pytest.raises(RaceError, match=r"No space left on device; what is finished is kept, continue with --resume"):
        race(ENTRANTS, task=regression, out=disk, **QUICK)
    kept = (disk / "trials.jsonl").read_text().splitlines(keepends=True)
    kept = "".join(line for line in kept if line.endswith("\n"))
    assert kept
    enlarge()
    race(ENTRANTS, task=regression, out=disk, resume=True, **QUICK)
    assert (disk / "trials.jsonl").read_text().startswith(kept)
    assert figures(disk) == figures(tmp_path)
    assert [row.optimizer for row in load(disk).rows] == [row.optimizer for row in undisturbed.rows]


@pytest.fixture
def as_nobody():
    """A folder that is not ours, as someone who is not root."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        (Path(folder) / "trials.jsonl").write_text("")
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        else:
            os.chmod(folder, 0o555)
            os.chmod(Path(folder) / "trials.jsonl", 0o444)
        try:
            yield Path(folder)
        finally:
            if root:
                os.seteuid(0)
            os.chmod(folder, 0o755)


@pytest.mark.skipif(sys.platform == "win32", reason="no permissions of POSIX")
def test_a_folder_without_permission_is_found_before_computing(regression, as_nobody):
    for folder in (as_nobody, as_nobody / "new"):
        with pytest.raises(RaceError, match=r"^cannot write to '.*': Permission denied\.$"):
            race({"mine": never}, task=regression, out=folder, **QUICK)


@pytest.mark.parametrize("name", ["race.json", "results.jsonl", "trials.jsonl", LOCK])
def test_a_file_that_is_none_is_found_before_computing(regression, tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(RaceError, match=rf"^cannot write to '{tmp_path}.*': Is a directory\.$"):
        race({"mine": never}, task=regression, out=tmp_path, **QUICK)


def test_a_file_in_place_of_the_folder_is_found_before_computing(regression, tmp_path):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(RaceError, match=r"^cannot write to '.*file': it is a file, not a folder\.$"):
        race({"mine": never}, task=regression, out=tmp_path / "file", **QUICK)
    assert (tmp_path / "file").read_text() == "kept"


def test_a_folder_that_is_removed_during_the_race_is_one_sentence(regression, tmp_path):
    folder = tmp_path / "folder"

    def removes(rate):
        for file in folder.iterdir() if folder.exists() else ():
            file.unlink()
        if folder.exists():
            folder.rmdir()
        return optax.sgd(rate)

    with pytest.raises(RaceError, match=r"^cannot write to '.*': its folder has been removed during the race\.$"):
        race({"mine": removes}, task=regression, out=folder, **QUICK)
    assert list(tmp_path.iterdir()) == []


def test_a_second_race_into_a_folder_is_refused(regression, tmp_path):
    errors = []

    def second():
        try:
            race({"mine": never}, task=regression, out=tmp_path, resume=True, **QUICK)
        except RaceError as error:
            errors.append(str(error))

    def meanwhile(rate):
        if not errors:
            thread = threading.Thread(target=second)
            thread.start()
            thread.join()
        return optax.sgd(rate)

    race({"mine": meanwhile}, task=regression, out=tmp_path, **QUICK)
    assert errors == [
        f"another run (process {os.getpid()}) is writing to {str(tmp_path)!r}; wait for it, "
        f"or choose another folder with --out (out=...)."
    ]
    assert len(load(tmp_path).rows) == 1
    race({"mine": never}, task=regression, out=tmp_path, resume=True, **QUICK)  # the lock is released


def test_a_lock_does_not_outlive_its_process(tmp_path):
    code = (
        f"from optax_zoo.race.storage.locks import locked\nwith locked({str(tmp_path)!r}): print(flush=True); input()"
    )
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    holder.stdout.readline()
    with pytest.raises(RaceError, match=rf"^another run \(process {holder.pid}\) is writing"), locked(tmp_path):
        pass
    holder.kill()
    holder.communicate()
    with locked(tmp_path), locked(tmp_path):  # the same thread may
        assert (tmp_path / LOCK).read_text() == str(os.getpid())


def test_a_folder_that_is_not_used_is_left_as_it_was(tmp_path):
    with pytest.raises(KeyError), locked(tmp_path / "new" / "folder"), locked(tmp_path / "new" / "folder"):
        raise KeyError
    assert list(tmp_path.iterdir()) == []
    with locked(tmp_path / "new"):
        (tmp_path / "new" / "file").touch()
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [LOCK, "file"]


def test_a_second_ablation_into_a_folder_is_refused_and_writes_nothing(regression, tmp_path):
    found = []

    def second():
        with pytest.raises(RaceError, match=r"^another run .* is writing to"):
            ablate("momentum", velocity=[None], task=regression, out=tmp_path, **QUICK)
        found.append((tmp_path / "ablation.json").read_text())

    def meanwhile(rate):
        if (tmp_path / "ablation.json").exists() and not found:
            thread = threading.Thread(target=second)
            thread.start()
            thread.join()
        return momentum(rate)

    ablate(meanwhile, velocity={"none": None}, task=regression, out=tmp_path, **QUICK)
    assert json.loads(found[0])["base"] == "meanwhile"
