"""Ablations: combinations, files, and input that is refused."""

import json
import os

import numpy as np
import optax
import pytest

import optax_zoo as zoo
from optax_zoo import debiased, ema, root, square, trace
from optax_zoo.race import RaceError
from optax_zoo.race.ablation import ablate
from optax_zoo.race.ablation.record import FILE, load

QUICK = {"rates": [0.01, 0.1], "seeds": 1, "final_seeds": 3, "steps": 5, "progress": False}


@pytest.fixture(scope="module")
def finished(regression, tmp_path_factory):
    """A finished ablation and its folder, not to be changed."""
    folder = tmp_path_factory.mktemp("ablation") / "new"
    slots = {"denominator": {"ema": root(ema(0.9, of=square)), "none": None}, "momentum": [None]}
    return ablate("expectigrad", task=regression, out=folder, **slots, **QUICK), folder


@pytest.mark.slow
def test_all_combinations_are_raced_and_named_by_what_differs(finished):
    ablation, _ = finished
    assert {each.name for each in ablation.combinations} == {
        "expectigrad",
        "expectigrad[momentum=none]",
        *(f"expectigrad[denominator={x}]" for x in ("ema", "none")),
        *(f"expectigrad[denominator={x}, momentum=none]" for x in ("ema", "none")),
    }
    assert ablation.combinations == tuple(
        sorted(ablation.combinations, key=lambda each: ablation.result.rows.index(each.row))
    )
    assert ablation.levels["denominator"]["base"] == "root(arithmetic_mean(of=square, sparse=True))"
    alone = ablation.combination(denominator="none", momentum="none")
    assert alone.composition == "pipeline(learning_rate=learning_rate)"
    assert ablation.result.settings.optimizers[0] == "expectigrad"
    with pytest.raises(KeyError, match="momentum=other"):
        ablation.combination(momentum="other")


def test_combinations_are_what_they_say(finished, regression):
    alone = finished[0].combination(denominator="none", momentum="none").row
    plain = zoo.race.race({"sgd": optax.sgd}, task=regression, **QUICK)["sgd"]
    np.testing.assert_allclose(alone.final_test_metric, plain.final_test_metric, rtol=1e-5)


def test_the_effects_are_those_of_the_rows(finished):
    ablation, _ = finished
    metric = {each.name: np.array(each.row.final_test_metric) for each in ablation.combinations}
    without = [metric[f"expectigrad[{x}momentum=none]"] for x in ("", "denominator=ema, ", "denominator=none, ")]
    with_it = [metric[f"expectigrad{x}"] for x in ("", "[denominator=ema]", "[denominator=none]")]
    np.testing.assert_allclose(ablation.effect(momentum="none").by_seed, np.mean(without, 0) - np.mean(with_it, 0))
    assert ablation.effect(momentum="none", denominator="ema") in ablation.interactions
    with pytest.raises(KeyError):
        ablation.effect(momentum="base")


def test_it_prints_as_tables(finished):
    text = repr(finished[0])
    for title in ("Ablation of expectigrad", "Combinations on regression", "Main effects", "Interactions"):
        assert title in text
    assert "denominator=ema, momentum=none" in text and "root(ema(0.9, of=square))" in text
    assert all(len(line) <= 110 for line in text.splitlines())


def test_files_of_an_ablation_and_resuming_it(finished, regression):
    ablation, folder = finished
    files = {FILE, "race.json", "results.jsonl", "trials.jsonl", "report.html", "curves.svg", "effects.png"}
    assert files < set(os.listdir(folder))
    before = {path.name: path.read_bytes() for path in folder.glob("*.json*")}
    assert ">Main effects</h3>" in (folder / "report.html").read_text() and load(folder, ablation.result) == ablation
    record = json.loads(before[FILE])
    assert record["levels"] == ablation.levels and len(record["combinations"]) == 6
    assert [effect["mean"] for effect in record["interactions"]] == [e.mean for e in ablation.interactions]
    slots = {"denominator": {"ema": root(ema(0.9, of=square)), "none": None}, "momentum": [None]}
    again = ablate("expectigrad", task=regression, out=folder, resume=True, report=False, **slots, **QUICK)
    assert again == ablation
    assert {path.name: path.read_bytes() for path in folder.glob("*.json*")} == before
    with pytest.raises(RaceError, match="holds results already"):
        ablate("expectigrad", task=regression, out=folder, **slots, **QUICK)
    slots["denominator"]["ema"] = root(ema(0.8, of=square))  # under the same name
    with pytest.raises(RaceError, match="another base or other levels"):
        ablate("expectigrad", task=regression, out=folder, resume=True, **slots, **QUICK)
    assert {path.name: path.read_bytes() for path in folder.glob("*.json*")} == before


@pytest.mark.slow
def test_an_ablation_that_was_killed_resumes_to_the_same_effects(finished, regression, tmp_path):
    ablation, folder = finished
    for name in ("race.json", "results.jsonl"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    whole = json.loads((folder / FILE).read_text())
    (tmp_path / FILE).write_text(json.dumps({key: whole[key] for key in ("base", "levels")}))
    lines = (tmp_path / "results.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "results.jsonl").write_text("".join(lines[:5]) + lines[5][:100])
    slots = {"denominator": {"ema": root(ema(0.9, of=square)), "none": None}, "momentum": [None]}
    again = ablate("expectigrad", task=regression, out=tmp_path, resume=True, **slots, **QUICK)
    assert again.effects == ablation.effects and again.interactions == ablation.interactions
    assert json.loads((tmp_path / FILE).read_text()) == whole


def test_a_combination_that_diverges_is_named(regression, raced):
    ablation = ablate("adam", task=regression, numerator={"none": None}, momentum={"trace": trace(0.5)})
    names = [each.name for each in ablation.combinations if each.diverged]
    assert names == ["adam[numerator=none]", "adam[numerator=none, momentum=trace]"]
    assert ablation.effect(numerator="none").verdict == "nothing left to compare"
    effect = ablation.effect(momentum="trace")
    assert (effect.compared, effect.combinations) == (1, 2)
    assert f"Diverged, and left out: {'; '.join(names)}." in " ".join(repr(ablation).split())


def test_a_race_with_a_part_that_diverges(regression):
    broken = {"broken": optax.scale(float("nan"))}
    ablation = ablate("sgd", task=regression, numerator=broken, **{**QUICK, "rates": [0.1]})
    assert ablation.combination(numerator="broken").diverged and not ablation.combination().diverged
    assert "diverged at 1 of 1 rates" in " ".join(repr(ablation).split())


@pytest.mark.parametrize(
    "base, name",
    [
        (zoo.sgd, "sgd"),
        (lambda rate: zoo.pipeline(learning_rate=rate), "base"),
        (zoo.sgd(0.3), "base"),
    ],
)
def test_the_base_is_a_name_a_pipeline_or_a_function(regression, raced, base, name):
    slots = {"learning_rate": {"falling": lambda rate: optax.linear_schedule(rate, 0.0, 5)}}
    ablation = ablate(base, task=regression, **slots)
    assert [each.name for each in ablation.combinations] == [name, f"{name}[learning_rate=falling]"]
    assert ablation.combination().composition == "pipeline(learning_rate=learning_rate)"
    assert repr(raced["optimizers"][name](0.25)) == "pipeline(learning_rate=0.25)"
    assert "schedule" in repr(raced["optimizers"][f"{name}[learning_rate=falling]"](0.25))


def test_a_level_may_depend_on_the_rate(regression, raced):
    slots = {
        "denominator": {"late": debiased(root(ema(0.999, of=square)))},
        "bound": {"bounded": lambda rate: zoo.converging_bound(base_learning_rate=rate)},
        "learning_rate": {"already_applied": zoo.already_applied},
    }
    ablation = ablate("adam", task=regression, **slots)
    assert ablation.levels["bound"]["bounded"] == "converging_bound(base_learning_rate=learning_rate)"
    assert ablation.levels["learning_rate"] == {
        "base": "learning_rate",
        "already_applied": "already_applied(learning_rate)",
    }
    made = raced["optimizers"]["adam[denominator=late, bound=bounded, learning_rate=already_applied]"]
    assert repr(made(0.3)) == repr(zoo.describe("adabound").at_rate(0.3))


@pytest.mark.parametrize(
    "base, slots, message",
    [
        ("adm", {"momentum": [None]}, "'adm'.*Did you mean 'adam'"),
        (3, {"momentum": [None]}, "base is 3, but must be a name, a Pipeline or a function"),
        (optax.adam, {"momentum": [None]}, "has no slots, but must make a Pipeline"),
        (zoo.sgd(optax.constant_schedule(0.1)), {"momentum": [None]}, "for a learning rate, but must have a number"),
        ("adam", {}, "no slot is given; the slots are gradient, "),
        ("adam", {"momentm": [None]}, "'momentm'.*Did you mean 'momentum'"),
        ("adam", {"momentum": []}, "no level besides the base's own"),
        (
            "adam",
            {"momentum": [None]},
            "empty in adam already; adam fills numerator, denominator, learning_rate: ",
        ),
        ("adam", {"numerator": [debiased(ema(0.9))]}, r"slot numerator is debiased\(ema\(0.9\)\) in adam already"),
        ("adam", {"numerator": [ema(0.5), ema(0.5)]}, r"slot numerator is given ema\(0.5\) twice"),
        ("adam", {"numerator": ema(0.5)}, "must be a mapping from label to part or a sequence"),
        ("adam", {"numerator": "ema(0.5)"}, "must be a mapping from label to part or a sequence"),
        ("adam", {"numerator": [0.5]}, "slot numerator has 0.5, but must have a part"),
        ("adam", {"numerator": {"base": None}}, "the label 'base'"),
        ("adam", {"numerator": {"": None}}, "the label ''"),
        ("adam", {"learning_rate": {"none": None}}, "the race sets the rate"),
        ("adam", {"momentum": {"late": lambda rate: 3}}, "cannot be made: momentum is 3"),
        ("adabound", {"denominator": {"none": None}}, r"adabound\[denominator=none\] cannot be made: bound limits"),
        ("adam", {"momentum": {"axis": zoo.damp_by_max(axis_name="data")}}, "cannot race adam: .*axis name"),
        ("adam", {"momentum": {"bad": ema(0.9, of=3)}}, "cannot train task"),
    ],
)
def test_what_is_refused_leaves_nothing(regression, tmp_path, base, slots, message):
    with pytest.raises(RaceError, match=message) as refused:
        ablate(base, task=regression, out=tmp_path, **slots, **QUICK)
    assert "\n" not in str(refused.value)
    assert os.listdir(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_found_before_computing(regression, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RaceError, match=r"cannot write to .*file.folder"):
        ablate("sgd", task=regression, out=tmp_path / "file" / "folder", momentum=[trace(0.5)], **QUICK)


def test_long_parts_get_short_labels_that_differ(regression, raced):
    parts = [root(ema(decay, of=square), eps=1e-3, eps_root=1e-4) for decay in (0.9, 0.99)]
    parts += [root(ema(0.9, of=square), eps=1e-3, eps_root=1e-5)]
    ablation = ablate("sgd", task=regression, denominator=parts)
    assert list(ablation.levels["denominator"]) == [
        "base",
        "root(ema(0.9, of=square), e…",
        "root(ema(0.99, of=square), …",
        "root(ema(0.9, of=square), e… (2)",
    ]
    assert ablation.levels["denominator"]["root(ema(0.9, of=square), e…"] == repr(parts[0])
