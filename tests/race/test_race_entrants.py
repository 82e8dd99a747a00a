"""Who can take part, and which input is refused."""

import dataclasses

import jax
import numpy as np
import optax
import pytest

import optax_zoo
from optax_zoo.race import BASELINES, DEFAULT, RaceError, digits, load, race, standing
from optax_zoo.race.engine.layout import Layout
from optax_zoo.race.terminal.report import render
from optax_zoo.running.entrants import resolve
from optax_zoo.running.selectors import family_of

QUICK = {"rates": [0.1], "seeds": 1, "final_seeds": 2, "steps": 3, "progress": False}


def test_a_dozen_take_part_by_default_and_all_with_all():
    assert list(resolve(None)) == list(DEFAULT) and set(BASELINES) < set(DEFAULT)
    assert list(resolve(["all", "optax.lion"])) == [*optax_zoo.list_algorithms(), *BASELINES, "optax.lion"]


@pytest.mark.parametrize(
    "texts, names",
    [
        (["family:learned"], ["learned_lstm"]),
        (["family:learned", "learned_lstm"], ["learned_lstm"]),
        (["rmsprop*", "rmsprop"], ["rmsprop_graves", "rmsprop"]),
        (["sgd", "rmsprop*"], ["sgd", "rmsprop", "rmsprop_graves"]),
        (["optax.l*", "optax.lion"], ["optax.lamb", "optax.lars", "optax.lbfgs", "optax.lion"]),
        (["optax.contrib.muo?", ("optax.contrib.muon", optax.sgd)], ["optax.contrib.muon"]),
    ],
)
def test_families_and_patterns_stand_for_what_is_not_there_yet(texts, names):
    assert list(resolve(texts)) == names


def test_a_family_is_that_of_the_registry():
    assert list(resolve(["family:rate_free"])) == optax_zoo.list_algorithms(lambda each: each.family == "rate_free")
    assert [family_of(name) for name in ("lion", "optax.lion", "mine")] == ["sign", "optax", "own"]
    assert list(resolve(["family:optax"])) == list(resolve(["optax.*"]))
    assert not any("scale_by" in name for name in resolve(["family:optax"]))


def test_one_that_cannot_be_trained_stops_no_other_and_is_tried_again_on_resume(regression, tmp_path):
    names = ["sgd", "optax.lbfgs"]
    result = race(names, task=regression, out=tmp_path, report=False, **QUICK)
    good, lost = result.rows
    assert good.optimizer == "sgd" and good.failure == "" and good.test_metric is not None
    assert lost.failure.startswith("scale_by_zoom_linesearch") and "value_fn" in lost.failure
    assert lost.test_metric is None and lost.state_bytes is None and lost.notes == (f"could not run: {lost.failure}",)
    assert [each.words for each in standing(result).verdicts] == ["best", "could not run"]
    text = " ".join(render(result).split())
    assert "optax.lbfgs optax none could not run - - -" in text and "optax.lbfgs: could not run: scale_by" in text
    again = race(names, task=regression, out=tmp_path, report=False, resume=True, **QUICK)
    assert again.rows == result.rows == load(tmp_path).rows
    assert len((tmp_path / "results.jsonl").read_text().splitlines()) == 2


def test_a_strict_race_ends_with_one_that_cannot_be_trained(regression):
    with pytest.raises(RaceError, match=r"'optax\.lbfgs' cannot train task 'regression'"):
        race(["sgd", "optax.lbfgs"], task=regression, strict=True, **QUICK)


def test_one_that_fails_as_it_runs_stops_no_other(regression, monkeypatch):
    def gather(self, trials):
        if not failed:
            failed.append(True)
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory\nand more")
        return whole(self, trials)

    whole, failed = Layout.gather, []
    monkeypatch.setattr(Layout, "gather", gather)
    result = race(["adam", "sgd"], task=regression, **QUICK)
    assert [row.optimizer for row in result.rows] == ["sgd", "adam"]
    assert result["adam"].failure == "RESOURCE_EXHAUSTED: Out of memory" and result["sgd"].failure == ""


def test_a_rate_that_others_belong_to_is_set_with_the_rate():
    assert "base_learning_rate=0.5" in repr(resolve(["adabound"])["adabound"].at(0.5, None))


def test_own_transformation_beside_names(regression):
    def mine(rate):
        return optax.chain(optax.clip(1.0), optax.scale(-rate))

    result = race(["sgd", "optax.sgd", ("mine", mine)], task=regression, **QUICK)
    assert {row.optimizer for row in result.rows} == {"sgd", "optax.sgd", "mine"}
    assert result["mine"].best_rate == 0.1
    with pytest.raises(KeyError, match="adam"):
        result["adam"]


def test_parameters_and_the_loss_reach_every_update(regression):
    def spy(rate):
        def init(parameters):
            return optax.EmptyState()

        def update(updates, state, params=None, *, value, **extra):
            return {"w": -rate * (updates["w"] + 0 * value + 0 * params["w"])}, state

        return optax.GradientTransformationExtraArgs(init, update)

    result = race({"spy": spy, "plain": optax.sgd}, task=regression, **QUICK)
    np.testing.assert_allclose(result["spy"].test_loss, result["plain"].test_loss, rtol=1e-6)


@pytest.mark.parametrize(
    "optimizers, message",
    [
        (["adm"], "'adm'.*Did you mean 'adam'"),
        (["noisy_sgd"], "optax.noisy_sgd"),
        (["optax.adm"], "did you mean 'optax.adam'"),
        (["optax.chain"], "takes no learning_rate"),
        (["family:adm"], "no such family; families are adam, .*optax. Did you mean 'family:adam'"),
        (["zz*"], "'zz.', but no name matches"),
        (["sgd", "sgd"], "'sgd' is given twice"),
        ([], "must name at least one"),
        ("sgd", "must be a sequence of names"),
        ([3], "must be a name"),
        ({"mine": 3}, "must be a name"),
    ],
)
def test_optimizers_that_are_refused(optimizers, message):
    with pytest.raises(RaceError, match=message):
        resolve(optimizers)


@pytest.mark.parametrize(
    "option, message",
    [
        ({"rates": [0.1, -1.0]}, "rates has -1.0"),
        ({"rates": [float("nan")]}, "rates has nan"),
        ({"rates": ["a"]}, "rates has 'a'"),
        ({"rates": 0.1}, "must be a sequence of numbers"),
        ({"rates": []}, "at least one number"),
        ({"rates": [0.1, 0.1]}, "none twice"),
        ({"seeds": 0}, "seeds is 0"),
        ({"seeds": True}, "seeds is True"),
        ({"final_seeds": 1}, "final_seeds is 1.*from 2"),
        ({"steps": 1.5}, "steps is 1.5"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_options_that_are_refused(regression, option, message):
    with pytest.raises(RaceError, match=message):
        race(["sgd"], task=regression, **{**QUICK, **option})


@pytest.mark.parametrize(
    "field, message",
    [
        ({"batch_size": 37}, "batch_size is 37.*36"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"target": float("nan")}, "target is nan"),
        ({"train": {"a": np.zeros((4, 1)), "b": np.zeros((5,))}}, "train must be a tree"),
        ({"test": np.float32(1)}, "test must be a tree"),
        ({"validation": np.zeros((0, 2))}, "validation must be a tree"),
    ],
)
def test_tasks_that_are_refused(regression, field, message):
    with pytest.raises(RaceError, match=message):
        dataclasses.replace(regression, **field)


@pytest.mark.parametrize(
    "field, message",
    [
        ({"init": lambda: {}}, "init fails"),
        ({"metric": lambda parameters, batch: batch["outputs"]}, "metric must return one number"),
        ({"loss": lambda parameters, batch: batch["outputs"]}, "cannot train task 'regression'"),
    ],
)
def test_functions_of_a_task_that_are_refused(regression, field, message):
    with pytest.raises(RaceError, match=message):
        race(["sgd"], task=dataclasses.replace(regression, **field), **QUICK)


@pytest.mark.parametrize("factory", [lambda rate: None, optax.lbfgs], ids=["nothing", "needs value_fn"])
def test_factories_that_are_refused(regression, factory):
    with pytest.raises(RaceError, match="optimizer 'mine' cannot train task 'regression'"):
        race({"mine": factory}, task=regression, **QUICK)


def test_digits_has_three_parts_with_all_classes_and_nothing_in_common():
    task = digits()
    parts = [task.train, task.validation, task.test]
    assert [len(labels) for _, labels in parts] == [1077, 360, 360]
    for images, labels in parts:
        assert images.min() >= 0 and images.max() == 1
        assert np.bincount(labels).min() / len(labels) > 0.09
    rows = {image.tobytes() for images, _ in parts for image in images}
    assert len(rows) == 1797
