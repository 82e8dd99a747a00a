"""Determinism, durable results, resuming, and folders that are refused."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import optax
import pytest

import optax_zoo
from optax_zoo.race import RaceError, Row, race

QUICK = {"rates": [0.01, 0.1], "seeds": 1, "final_seeds": 2, "steps": 5, "progress": False}
ENTRANTS = {
    "mine": optax.sgd,
    "momentum": lambda rate: optax.sgd(rate, 0.9),
    "broken": lambda r: optax.scale(np.nan * r),
}


def figures(row):
    """All of a row but its timings."""
    return dataclasses.replace(row, seconds=0.0, milliseconds_per_step=0.0)


def never(rate):
    raise AssertionError("something was computed")


@pytest.fixture(scope="module")
def finished(regression, tmp_path_factory):
    """A finished race and its folder, not to be changed."""
    folder = tmp_path_factory.mktemp("race") / "new" / "folder"
    return race(ENTRANTS, task=regression, out=folder, **QUICK), folder


@pytest.fixture
def torn(finished, tmp_path):
    """A copy of the folder as a kill may leave it: one whole line, and a part of the second."""
    lines = (finished[1] / "results.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "race.json").write_text((finished[1] / "race.json").read_text())
    (tmp_path / "results.jsonl").write_text(lines[0] + lines[1][:200])
    return tmp_path


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(regression, finished):
    again = race({"mine": optax.sgd}, task=regression, **QUICK)["mine"]
    assert figures(again) == figures(finished[0]["mine"])
    other = race({"mine": optax.sgd}, task=regression, **QUICK, seed=1)["mine"]
    assert other.final_test_loss != again.final_test_loss


def test_equal_optimizers_get_equal_seeds_and_batches(regression):
    first, second = race({"a": optax.sgd, "b": optax.sgd}, task=regression, **QUICK).rows
    assert figures(first) == dataclasses.replace(figures(second), optimizer="a")


def test_final_seeds_are_fresh_and_differ(finished):
    row = finished[0]["mine"]
    assert row.final_seeds == (1, 2)
    assert len(set(row.final_test_loss)) == 2


def test_files_of_a_race(finished):
    result, folder = finished
    assert sorted(os.listdir(folder)) == ["curves.png", "race.json", "results.jsonl", "sensitivity.png"]
    rows = [Row.of(json.loads(line)) for line in (folder / "results.jsonl").read_text().splitlines()]
    assert sorted(rows, key=lambda row: row.optimizer) == sorted(result.rows, key=lambda row: row.optimizer)
    record = json.loads((folder / "race.json").read_text())
    assert record["settings"]["rates"] == [0.01, 0.1] and record["settings"]["optimizers"] == list(ENTRANTS)
    assert record["versions"]["optax_zoo"] == optax_zoo.__version__
    assert record["machine"]["cores"] == os.cpu_count() and record["command"]


def test_infinity_and_nan_are_null(finished):
    def refuse(constant):
        raise AssertionError(constant)

    lines = (finished[1] / "results.jsonl").read_text().splitlines()
    broken = [json.loads(line, parse_constant=refuse) for line in lines][2]
    assert broken["optimizer"] == "broken" and broken["best_rate"] is None
    assert broken["tuning_validation_loss"][0] == [None]


def test_pictures_are_pictures(finished):
    from matplotlib.image import imread

    for name in ("curves.png", "sensitivity.png"):
        picture = imread(finished[1] / name)
        assert picture.shape[0] > 300 and picture.shape[1] > 800 and picture.std() > 0.05


def test_resume_drops_a_torn_line_and_leads_to_the_same_rows(regression, finished, torn):
    result = race({**ENTRANTS, "mine": never}, task=regression, out=torn, resume=True, **QUICK)
    assert [figures(row) for row in result.rows] == [figures(row) for row in finished[0].rows]
    lines = [json.loads(line)["optimizer"] for line in (torn / "results.jsonl").read_text().splitlines()]
    assert lines == list(ENTRANTS)


def test_resume_of_a_finished_race_reads_it_back(regression, finished):
    before = (finished[1] / "results.jsonl").read_bytes()
    result = race(dict.fromkeys(ENTRANTS, never), task=regression, out=finished[1], resume=True, **QUICK)
    assert result == finished[0]
    assert (finished[1] / "results.jsonl").read_bytes() == before


def test_resume_where_nothing_is_starts_a_race(regression, tmp_path):
    result = race({"mine": optax.sgd}, task=regression, out=tmp_path, resume=True, **QUICK)
    assert result.rows[0].optimizer == "mine" and (tmp_path / "race.json").exists()


@pytest.mark.parametrize(
    "change, message",
    [
        ({"steps": 6}, "steps was 5 and now is 6"),
        ({"rates": [0.01]}, "rates was 0.01,0.1 and now is 0.01"),
        ({"seed": 3}, "seed was 0 and now is 3"),
    ],
)
def test_resume_with_other_settings_is_refused(regression, torn, change, message):
    before = (torn / "results.jsonl").read_bytes()
    with pytest.raises(RaceError, match=message):
        race(dict.fromkeys(ENTRANTS, never), task=regression, out=torn, resume=True, **{**QUICK, **change})
    assert (torn / "results.jsonl").read_bytes() == before


def test_resume_with_other_versions_is_refused(regression, torn):
    record = json.loads((torn / "race.json").read_text())
    record["versions"]["optax"] = "0.1"
    (torn / "race.json").write_text(json.dumps(record))
    with pytest.raises(RaceError, match=r"optax was 0\.1 and now is"):
        race(dict.fromkeys(ENTRANTS, never), task=regression, out=torn, resume=True, **QUICK)


@pytest.mark.parametrize("name, text", [("race.json", "{"), ("race.json", "[]"), ("results.jsonl", '{"a": 1}\n')])
def test_resume_of_something_else_is_refused(regression, torn, name, text):
    (torn / name).write_text(text)
    with pytest.raises(RaceError, match="cannot resume"):
        race(dict.fromkeys(ENTRANTS, never), task=regression, out=torn, resume=True, **QUICK)
    assert (torn / name).read_text() == text


def test_results_are_not_overwritten(regression, torn):
    before = (torn / "results.jsonl").read_bytes()
    with pytest.raises(RaceError, match=r"continue them with --resume .* or choose another folder"):
        race(dict.fromkeys(ENTRANTS, never), task=regression, out=torn, **QUICK)
    assert (torn / "results.jsonl").read_bytes() == before


def test_a_folder_that_cannot_be_written_is_found_before_computing(regression, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RaceError, match=r"cannot write to .*file.folder"):
        race({"mine": never}, task=regression, out=tmp_path / "file" / "folder", **QUICK)


def test_input_that_is_refused_leaves_no_results(regression, tmp_path):
    with pytest.raises(RaceError, match="cannot train"):
        race({"mine": lambda rate: None}, task=regression, out=tmp_path, **QUICK)
    assert os.listdir(tmp_path) == []


def command(*words):
    return [sys.executable, "-m", "optax_zoo.cli", "race", *words]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_race_that_is_killed_resumes_to_the_same_table(tmp_path, number):
    names = "sgd,momentum,nag,optax.sgd"
    options = ["--optimizers", names, "--steps", "3", "--seeds", "1", "--final-seeds", "2", "--rates", "0.1"]
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    results = killed / "results.jsonl"
    process = subprocess.Popen(command(*options, "--out", str(killed)), stderr=subprocess.PIPE, text=True)
    while not (results.exists() and results.read_text().endswith("\n")) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(number)
    errors = process.communicate()[1]
    assert process.returncode == (130 if number == signal.SIGINT else -number)
    assert 1 <= len(results.read_text().splitlines()) < 4
    if number == signal.SIGINT:
        assert errors.splitlines()[-1].startswith("optax-zoo: interrupted") and errors.rstrip().endswith("--resume")
    subprocess.run(command(*options, "--out", str(killed), "--resume"), check=True)
    subprocess.run(command(*options, "--out", str(whole)), check=True)
    rows = [
        [Row.of(json.loads(line)) for line in (x / "results.jsonl").read_text().splitlines()] for x in (killed, whole)
    ]
    assert [figures(row) for row in rows[0]] == [figures(row) for row in rows[1]]
