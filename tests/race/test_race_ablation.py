"""Ablations: effects that are known, files, and input that is refused."""

import dataclasses
import itertools
import json
import os
import pathlib
import re

import click
import numpy as np
import optax
import pytest
from scipy import stats

import optax_zoo as zoo
from optax_zoo import debiased, ema, root, square, trace
from optax_zoo.race import RaceError, Result, Row
from optax_zoo.race.ablation import Ablation, Combination, ablate
from optax_zoo.race.ablation.command import command
from optax_zoo.race.ablation.effects import effects_of
from optax_zoo.race.ablation.record import FILE
from optax_zoo.race.analysis.comparisons import holm
from optax_zoo.race.command import command as race_command
from optax_zoo.race.settings import check

QUICK = {"rates": [0.01, 0.1], "seeds": 1, "final_seeds": 3, "steps": 5, "progress": False}
SEEDS = np.random.default_rng(0).normal(size=8)  # what all combinations have in common
LEVELS = {"denominator": ["base", "ema", "max"], "momentum": ["base", "none"], "decay": ["base", "on"]}


def row_of(name, metric):
    """A row with nothing in it but the test metric; None has diverged."""
    names = [field.name for field in dataclasses.fields(Row)]
    metric = None if metric is None else tuple(metric)
    figures = {"optimizer": name, "final_test_metric": metric or (), "test_metric": metric and np.mean(metric)}
    return Row(**{**dict.fromkeys(names), **figures})


def factorial(metric, levels=LEVELS):
    """The combinations of a full factorial, with the metric by seed that a function of the levels gives."""
    grid = [dict(zip(levels, labels, strict=True)) for labels in itertools.product(*levels.values())]
    return [Combination(str(each), each, "", row_of(str(each), metric(each))) for each in grid]


FIGURES = {  # what a table shows beside the metric
    "best_rate": 0.1,
    "test_metric_interval": (0.0, 0.0),
    "state_bytes": 0.0,
    "rates": (0.1,),
}


def one_of(effects, **changes):
    return next(effect for effect in effects if effect.changes == changes)


def test_effects_that_add_up_are_found_exactly_and_nothing_else_is():
    worth = {"ema": 0.5, "max": -0.25, "none": -1.0, "on": 0.0, "base": 0.0}
    effects, interactions = effects_of(LEVELS, factorial(lambda at: SEEDS + sum(worth[x] for x in at.values())))
    assert [(*effect.changes.values(),) for effect in effects] == [("ema",), ("max",), ("none",), ("on",)]
    for effect in effects:
        (label,) = effect.changes.values()
        np.testing.assert_allclose(effect.by_seed, worth[label], atol=1e-12)
        assert effect.verdict == {1: "better", -1: "worse", 0: "no difference found"}[np.sign(worth[label])]
    assert [effect.compared for effect in effects] == [4, 4, 6, 6]
    assert len(interactions) == 2 + 2 + 1
    for effect in interactions:
        np.testing.assert_allclose(effect.by_seed, 0, atol=1e-12)
        assert effect.verdict == "no difference found"


def test_an_interaction_is_found_with_its_sign():
    def metric(at):
        return SEEDS + 0.5 * (at["denominator"] == "ema" and at["momentum"] == "none")

    effects, interactions = effects_of(LEVELS, factorial(metric))
    np.testing.assert_allclose(one_of(effects, denominator="ema").mean, 0.25)
    np.testing.assert_allclose(one_of(effects, momentum="none").mean, 0.5 / 3)
    both = one_of(interactions, denominator="ema", momentum="none")
    np.testing.assert_allclose(both.mean, 0.5)
    assert both.verdict == "more than the sum of both" and both.compared == 2
    assert not one_of(interactions, denominator="max", momentum="none").found


def test_seeds_are_paired_and_the_interval_is_the_t_interval():
    noise = {label: np.random.default_rng(number).normal(size=8) for number, label in enumerate(["base", "on"])}
    effects, _ = effects_of(
        {"decay": ["base", "on"]}, factorial(lambda at: 100 * SEEDS + noise[at["decay"]], {"decay": ["base", "on"]})
    )
    expected = stats.ttest_rel(100 * SEEDS + noise["on"], 100 * SEEDS + noise["base"]).confidence_interval(0.95)
    (effect,) = effects
    np.testing.assert_allclose((effect.mean - effect.half_width, effect.mean + effect.half_width), expected)
    assert effect.found == (expected.low > 0 or expected.high < 0)


def test_p_values_are_corrected_over_all_effects_and_interactions_together():
    random = np.random.default_rng(7)  # by itself, the interval of one effect that is chance leaves 0 out
    noise = {levels: random.normal(size=8) for levels in itertools.product(*LEVELS.values())}
    effects, interactions = effects_of(
        LEVELS, factorial(lambda at: noise[tuple(at.values())] + 2 * (at["momentum"] == "none"))
    )
    found = [*effects, *interactions]
    alone = [stats.ttest_1samp(effect.by_seed, 0).pvalue for effect in found]
    np.testing.assert_allclose([effect.p_value for effect in found], holm(alone))
    assert one_of(effects, momentum="none").found
    assert sum(effect.found for effect in found) == 1
    assert sum(abs(effect.mean) > effect.half_width for effect in found) == 2


def test_a_combination_that_diverged_is_left_out_with_all_that_needs_it():
    def metric(at):
        if at["denominator"] == "max" and (at["momentum"] == "none" or at["decay"] == "on"):
            return None
        return SEEDS + (at["denominator"] == "max") + 10 * (at["momentum"] == "none")

    effects, interactions = effects_of(LEVELS, factorial(metric))
    effect = one_of(effects, denominator="max")
    assert (effect.compared, effect.combinations) == (1, 4)
    np.testing.assert_allclose(effect.mean, 1)
    effect = one_of(effects, momentum="none")
    assert (effect.compared, effect.combinations) == (4, 6)
    np.testing.assert_allclose(effect.mean, 10)
    lost = one_of(interactions, denominator="max", momentum="none")
    assert lost.mean is None and not lost.found and lost.verdict == "nothing left to compare"
    assert str(lost) == "denominator=max, momentum=none, nothing left to compare"


def test_levels_can_be_compared_with_each_other():
    worth = {"ema": 0.5, "max": -0.25, "none": -1.0, "on": 0.0, "base": 0.0}
    combinations = factorial(lambda at: SEEDS + sum(worth[x] for x in at.values()))
    ablation = Ablation("x", {s: dict.fromkeys(x, "") for s, x in LEVELS.items()}, tuple(combinations), (), (), None)
    effect = ablation.compare({"denominator": "ema"}, {"denominator": "max"})
    np.testing.assert_allclose(effect.by_seed, 0.75)
    assert effect.combinations == 4
    assert str(effect) == "denominator=ema instead of denominator=max: +0.7500 ± 0.0000, better"
    held = ablation.compare({"denominator": "max", "momentum": "none"}, {"denominator": "base", "momentum": "base"})
    np.testing.assert_allclose(held.by_seed, -1.25)
    assert held.combinations == 2 and held.verdict == "worse"
    for levels, instead_of in [
        ({"denominator": "nothing"}, {"denominator": "ema"}),
        ({"nothing": "ema"}, {"nothing": "ema"}),
        ({"momentum": "none"}, {"denominator": "ema"}),
    ]:
        with pytest.raises(KeyError):
            ablation.compare(levels, instead_of)


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
    files = {FILE, "race.json", "results.jsonl", "trials.jsonl", "report.html", "curves.svg", "sensitivity.png"}
    assert files < set(os.listdir(folder))
    before = {path.name: path.read_bytes() for path in folder.glob("*.json*")}
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


@pytest.fixture
def raced(monkeypatch):
    """What a race was given, which is not run: a combination without numerator diverges, of others the name counts."""
    given = {}

    def race(factories, **options):
        given.update(options, optimizers=factories)
        metric = {name: None if "numerator=none" in name else SEEDS + len(name) for name in factories}
        counts = {"seeds": 1, "final_seeds": 8, "steps": 3, "seed": 0, "samples": 0}
        protocol = {"schedule": "constant", "warmup": 0.0, "weight_decay": 0.0, "search": {}, "mapping": "vmap"}
        settings = check(factories, options["task"], rates=[0.1], **counts, **protocol)
        rows = tuple(dataclasses.replace(row_of(name, y), **FIGURES) for name, y in metric.items())
        return Result(settings, rows, {})

    monkeypatch.setattr("optax_zoo.race.ablation.study.race", race)
    return given


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
        "learning_rate": {"handed": zoo.handed},
    }
    ablation = ablate("adam", task=regression, **slots)
    assert ablation.levels["bound"]["bounded"] == "converging_bound(base_learning_rate=learning_rate)"
    assert ablation.levels["learning_rate"] == {"base": "learning_rate", "handed": "handed(learning_rate)"}
    made = raced["optimizers"]["adam[denominator=late, bound=bounded, learning_rate=handed]"]
    assert repr(made(0.3)) == repr(zoo.describe("adabound").at_rate(0.3))


@pytest.mark.parametrize(
    "base, slots, message",
    [
        ("adm", {"momentum": [None]}, "'adm'.*Did you mean 'adam'"),
        (3, {"momentum": [None]}, "base is 3, but must be a name, a Pipeline or a function"),
        (optax.adam, {"momentum": [None]}, "must make a Pipeline, which has slots"),
        (zoo.sgd(optax.constant_schedule(0.1)), {"momentum": [None]}, "for a learning rate, but must have a number"),
        ("adam", {}, "no slot is given; the slots are gradient, "),
        ("adam", {"momentm": [None]}, "'momentm'.*Did you mean 'momentum'"),
        ("adam", {"momentum": []}, "no level beside the base's own"),
        ("adam", {"momentum": [None]}, "slot momentum is empty twice"),
        ("adam", {"numerator": [debiased(ema(0.9))]}, r"slot numerator is debiased\(ema\(0.9\)\) twice"),
        ("adam", {"numerator": [ema(0.5), ema(0.5)]}, r"slot numerator is ema\(0.5\) twice"),
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


def run(*words):
    """The command as the command line runs it."""
    return command.main(list(words), standalone_mode=False, obj=["ablate", *words])


@pytest.fixture
def on_regression(regression, monkeypatch):
    monkeypatch.setattr("optax_zoo.race.races.resolve_task", lambda name: regression)


def test_the_command_prints_and_writes(on_regression, raced, tmp_path, capsys):
    out = tmp_path / "results"
    slots = ["--slot", "denominator=root(ema(0.999, of=square), eps=1e-8)", "--slot", "momentum=none"]
    run("expectigrad", *slots, "--slot", "denominator:dense=root(arithmetic_mean(of=square))", "--out", str(out))
    printed = capsys.readouterr().out
    assert "Ablation of expectigrad" in printed and "momentum=none" in printed
    assert str(out) in "".join(printed.split())
    record = json.loads((out / FILE).read_text())
    assert list(record["levels"]["denominator"].values()) == [
        "root(arithmetic_mean(of=square, sparse=True))",
        "root(ema(0.999, of=square), eps=1e-08)",
        "root(arithmetic_mean(of=square))",
    ]
    assert list(record["levels"]["denominator"])[2] == "dense" and len(record["combinations"]) == 6
    with pytest.raises(click.UsageError, match="another base or other levels"):
        run("expectigrad", "--slot", "momentum=none", "--out", str(out), "--resume")


def test_the_command_hands_its_options_on(on_regression, raced, tmp_path):
    words = [
        "--rates",
        "0.1,0.2",
        "--seeds",
        "2",
        "--final-seeds",
        "3",
        "--steps",
        "4",
        "--seed",
        "5",
        "--target",
        "-2",
    ]
    run("sgd", "--slot", "momentum=trace(0.9)", *words, "--out", str(tmp_path), "--resume")
    options = ("rates", "seeds", "final_seeds", "steps", "seed", "out", "resume")
    assert [raced[name] for name in options] == [(0.1, 0.2), 2, 3, 4, 5, str(tmp_path), True]
    assert raced["task"].target == -2


@pytest.mark.parametrize(
    "words, message",
    [
        (["adam"], "Missing option '--slot'"),
        (["adm", "--slot", "momentum=none"], "Did you mean 'adam'"),
        (["adam", "--slot", "momentum"], "must be a slot and a part, such as momentum=none"),
        (["adam", "--slot", "momentm=none"], "Did you mean 'momentum'"),
        (["adam", "--slot", "momentum=traec(0.9)"], "did you mean 'trace'"),
        (["adam", "--slot", "momentum=__import__('os').system('true')"], "a call of|an attribute was found|allowed"),
        (["adam", "--slot", "momentum=none"], "momentum is empty twice"),
        (["adam", "--slot", "momentum:a=trace(0.9)", "--slot", "momentum:a=trace(0.8)"], "the label 'a' twice"),
        (["adam", "--slot", "momentum:base=trace(0.9)"], "the label 'base'"),
        (["adam", "--slot", "learning_rate=handed(0.1)"], "the race sets the rate"),
        (["adam", "--slot", "momentum=trace(0.9)", "--rates", "0"], "rates has 0.0"),
    ],
)
def test_wrong_words_are_one_line(on_regression, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(click.UsageError) as refused:
        run(*words)
    text = refused.value.format_message()
    assert re.search(message, text) and "\n" not in text and refused.value.exit_code == 2
    assert os.listdir(tmp_path) == []


def test_ctrl_c_says_how_to_go_on(monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("optax_zoo.race.ablation.command.ablate", interrupted)
    with pytest.raises(click.ClickException, match=r"continue with: optax-zoo ablate sgd .* --resume") as raised:
        run("sgd", "--slot", "momentum=trace(0.9)")
    assert raised.value.exit_code == 130


def test_the_options_are_those_of_a_race():
    shared = {parameter.name for parameter in race_command.params} - {"optimizers", "tasks", "search", "samples"}
    assert {parameter.name for parameter in command.params} == shared | {"base", "levels", "task"}
    out = {each.name: each.default for each in (*race_command.params, *command.params) if each.name == "out"}
    assert out == {"out": "ablation-results"}
    assert next(each for each in race_command.params if each.name == "out").default == "race-results"


def test_options_are_in_the_documentation_with_their_defaults():
    text = (pathlib.Path(__file__).parents[2] / "docs" / "ablate.md").read_text()
    rows = [
        [cell.strip(" `") for cell in line.split("|")[1:3]] for line in text.splitlines() if line.startswith("| `--")
    ]
    documented = {option.split()[0]: default for option, default in rows}
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    assert documented.keys() == {parameter.opts[0] for parameter in options}
    assert all(documented[p.opts[0]] == str(p.default) for p in options if p.show_default)
