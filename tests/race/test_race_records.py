"""Determinism, the files of a race, resuming, and folders that are refused."""

import dataclasses
import datetime
import json
import os

import jax
import numpy as np
import optax
import pytest

import optax_zoo
from optax_zoo.race import RaceError, Row, race, runner
from optax_zoo.race.storage.batches import Batches
from optax_zoo.race.storage.reading import load

QUICK = {"rates": [0.01, 0.1], "seeds": 1, "final_seeds": 2, "steps": 5, "progress": False, "report": False}
ENTRANTS = {
    "mine": optax.sgd,
    "momentum": lambda rate: optax.sgd(rate, 0.9),
    "broken": lambda r: optax.scale(np.nan * r),
}


def figures(row):
    """All of a row but its timings."""
    return dataclasses.replace(row, seconds=0.0)


def never(rate):
    raise AssertionError("something was computed")


@pytest.fixture(scope="module")
def finished(regression, tmp_path_factory):
    """A finished race and its folder, not to be changed."""
    folder = tmp_path_factory.mktemp("race") / "new" / "folder"
    return race(ENTRANTS, task=regression, out=folder, **QUICK), folder


@pytest.fixture(autouse=True)
def no_pictures(finished, monkeypatch):
    monkeypatch.setattr(runner, "draw", lambda result, folder: None)


@pytest.fixture
def torn(finished, tmp_path):
    """A copy of the folder as a kill may leave it: one whole result, and a part of the second; a part of the trials."""
    return copy(finished[1], tmp_path, results=1.2, trials=2.5)


def copy(folder, to, results, trials):
    """A copy of a race of which so many lines have been written, the last one in part."""
    (to / "race.json").write_text((folder / "race.json").read_text())
    for name, count in (("results.jsonl", results), ("trials.jsonl", trials)):
        lines = (folder / name).read_text().splitlines(keepends=True)
        torn = "".join(lines[int(count) : int(count) + 1])
        (to / name).write_text("".join(lines[: int(count)]) + torn[: int(len(torn) * (count % 1))])
    return to


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(regression, finished):
    again = race({"mine": optax.sgd}, task=regression, **QUICK)["mine"]
    assert figures(again) == figures(finished[0]["mine"])
    other = race({"mine": optax.sgd}, task=regression, **QUICK, seed=1)["mine"]
    assert other.final_test_loss != again.final_test_loss


def test_equal_optimizers_get_equal_seeds_and_batches(regression):
    first, second = race({"a": optax.sgd, "b": optax.sgd}, task=regression, **QUICK).rows
    assert figures(first) == dataclasses.replace(figures(second), optimizer="a", composition=first.composition)


def test_final_seeds_are_fresh_and_differ(finished):
    row = finished[0]["mine"]
    assert row.final_seeds == (1, 2)
    assert len(set(row.final_test_loss)) == 2


def test_files_of_a_race(finished):
    result, folder = finished
    written = {".lock", "race.json", "trials.jsonl", "results.jsonl", "curves.png", "sensitivity.png"}
    assert written <= set(os.listdir(folder)) and not list(folder.glob("*.draft"))
    rows = [Row.of(json.loads(line)) for line in (folder / "results.jsonl").read_text().splitlines()]
    assert sorted(rows, key=lambda row: row.optimizer) == sorted(result.rows, key=lambda row: row.optimizer)
    record = json.loads((folder / "race.json").read_text())
    assert record["settings"]["rates"] == [0.01, 0.1] and record["settings"]["optimizers"] == list(ENTRANTS)
    assert record["versions"]["optax_zoo"] == optax_zoo.__version__
    assert record["machine"]["cores"] == os.cpu_count() and record["machine"]["devices"] == jax.device_count()
    assert record["command"] and datetime.datetime.fromisoformat(record["started"]).tzinfo is not None
    trials = [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()]
    assert list(dict.fromkeys(batch["optimizer"] for batch in trials)) == list(ENTRANTS)


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


@pytest.mark.slow
@pytest.mark.parametrize("results, more", [(0, 0.5), (0, 1.3), (0.5, 99), (1, 2), (2.9, 99)])
def test_a_resume_runs_what_is_not_finished_and_leads_to_the_same_table(
    regression, finished, tmp_path, monkeypatch, results, more
):
    whole = (finished[1] / "trials.jsonl").read_text().splitlines()
    names = [json.loads(line)["optimizer"] for line in whole]
    trials = min(sum(name in list(ENTRANTS)[: int(results)] for name in names) + more, len(whole))
    copy(finished[1], tmp_path, results, trials)
    ran = []
    add = Batches.add
    monkeypatch.setattr(Batches, "add", lambda self, *batch: ran.append(batch) or add(self, *batch))
    result = race(ENTRANTS, task=regression, out=tmp_path, resume=True, **QUICK)
    assert [figures(row) for row in result.rows] == [figures(row) for row in finished[0].rows]
    assert len(ran) == len(whole) - int(trials)
    again = [json.loads(line) for line in (tmp_path / "trials.jsonl").read_text().splitlines()]
    assert [timeless(batch) for batch in again] == [timeless(json.loads(line)) for line in whole]


def timeless(batch):
    return {**batch, "seconds": None}


def test_each_resume_that_runs_something_is_recorded(regression, finished, torn):
    record = json.loads((torn / "race.json").read_text())
    record["machine"] = {"platform": "another", "devices": 8}
    (torn / "race.json").write_text(json.dumps(record))
    result = race(ENTRANTS, task=regression, out=torn, resume=True, **QUICK)
    after = json.loads((torn / "race.json").read_text())
    assert {**after, "resumed": None} == {**record, "resumed": None}
    (resumed,) = after["resumed"]
    assert resumed["machine"]["cores"] == os.cpu_count() and resumed["command"] and resumed["started"]
    assert result.record == {name: value for name, value in after.items() if name != "settings"}
    assert race(ENTRANTS, task=regression, out=torn, resume=True, **QUICK).record == result.record


def test_a_folder_is_read_back_as_the_result(finished):
    result, folder = finished
    assert load(folder) == result
    assert load(str(folder)).settings.search == ()


def test_a_search_is_read_back_as_the_result(regression, tmp_path):
    options = {**QUICK, "search": {"decay": (0.5, 0.9), "eps": (1e-9, 1e-3, "log")}, "samples": 2}
    result = race(["optax.sgd", "optax.rmsprop"], task=regression, out=tmp_path, **options)
    assert load(tmp_path) == result
    assert load(tmp_path).settings.search[1].log is True


def test_a_race_that_is_not_finished_is_read_as_far_as_it_is(finished, torn):
    before = (torn / "results.jsonl").read_bytes()
    result = load(torn)
    assert [row.optimizer for row in result.rows] == ["mine"] and result.settings == finished[0].settings
    assert (torn / "results.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    "name, text, message",
    [
        ("race.json", "{", r"cannot read: .*race.json' is not a record of a race \("),
        ("race.json", "[]", r"cannot read: .*race.json' is not a record of a race \("),
        ("race.json", '{"settings": 3, "versions": {}}', r"cannot read: .*race.json' is not a record of a race \("),
        ("results.jsonl", "3\n", r"cannot read: .*results.jsonl' holds a line that is not a result \("),
        ("results.jsonl", '{"a": 1}\n', r"cannot read: .*results.jsonl' holds a line that is not a result \("),
    ],
)
def test_a_folder_of_something_else_is_not_read(torn, name, text, message):
    (torn / name).write_text(text)
    with pytest.raises(RaceError, match=message):
        load(torn)


def test_a_folder_without_a_race_is_not_read(tmp_path):
    with pytest.raises(RaceError, match=r"cannot read: .*race.json' is not a record of a race \(.*No such file"):
        load(tmp_path)
    with pytest.raises(RaceError, match=r"^there is no folder '.*nowhere'\.$"):
        load(tmp_path / "nowhere")


def test_results_of_another_version_are_one_sentence(regression, torn):
    record = json.loads((torn / "race.json").read_text())
    del record["settings"]["schedule"], record["settings"]["warmup"]
    (torn / "race.json").write_text(json.dumps(record))
    message = r"was written by another version of optax_zoo, whose results cannot be used \(.*: schedule, warmup\)\.$"
    with pytest.raises(RaceError, match=message):
        load(torn)
    with pytest.raises(RaceError, match=message):
        race(dict.fromkeys(ENTRANTS, never), task=regression, out=torn, resume=True, **QUICK)


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


@pytest.mark.parametrize(
    "name, text",
    [
        ("race.json", "{"),
        ("race.json", "[]"),
        ("results.jsonl", '{"a": 1}\n'),
        ("results.jsonl", "3\n"),
        ("trials.jsonl", '{"a": 1}\n'),
        ("trials.jsonl", "3\n"),
    ],
)
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


def test_trials_are_not_overwritten(regression, finished, tmp_path):
    copy(finished[1], tmp_path, 0, 1)
    before = (tmp_path / "trials.jsonl").read_bytes()
    with pytest.raises(RaceError, match="holds results already"):
        race(dict.fromkeys(ENTRANTS, never), task=regression, out=tmp_path, **QUICK)
    assert (tmp_path / "trials.jsonl").read_bytes() == before


def test_a_folder_that_cannot_be_written_is_found_before_computing(regression, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RaceError, match=r"cannot write to .*file.folder"):
        race({"mine": never}, task=regression, out=tmp_path / "file" / "folder", **QUICK)


def test_input_that_is_refused_leaves_no_results(regression, tmp_path):
    with pytest.raises(RaceError, match="cannot train"):
        race({"mine": lambda rate: None}, task=regression, out=tmp_path, **QUICK)
    assert os.listdir(tmp_path) == []
