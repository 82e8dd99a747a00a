"""Gradients of recorded trajectories, and the recorder itself where PyTorch is installed."""

import json
import sys

import gradient_kinds
import numpy as np
import pytest
import record


def drawn(kind, steps=400):
    return gradient_kinds.drawn("any text", kind, steps)


def leaves(kind):
    """The gradients of each leaf: steps by elements."""
    _, grads = drawn(kind)
    return {leaf: np.array([np.ravel(each[leaf]) for each in grads]) for leaf in gradient_kinds.LEAVES}


def test_the_same_text_draws_the_same():
    (params, grads), (again, grads_again) = drawn("smooth", 2), drawn("smooth", 2)
    other, _ = gradient_kinds.drawn("another text", "smooth", 2)
    assert all(np.array_equal(params[leaf], again[leaf]) for leaf in params)
    assert all(np.array_equal(grads[1][leaf], grads_again[1][leaf]) for leaf in params)
    assert not np.array_equal(params["w"], other["w"])
    assert {leaf: x.shape for leaf, x in params.items()} == {"w": (4, 3), "b": (3,), "k": (2, 2, 3), "s": (1,)}


def test_kinds_are_what_they_are_called():
    mixed = leaves("mixed")["w"]
    size = np.abs(mixed[mixed != 0])
    assert 0.1 < np.mean(mixed == 0) < 0.15 and size.min() < 3e-4 and 30 < size.max() <= 100
    assert 0.4 < np.mean(mixed > 0) < 0.5
    assert np.all(leaves("nozero")["w"] != 0)
    smooth = leaves("smooth")
    assert np.corrcoef(smooth["w"][1:, 0], smooth["w"][:-1, 0])[0, 1] > 0.6
    assert smooth["b"].std() > 5 * smooth["w"].std() > 25 * smooth["s"].std()
    outlier = np.abs(leaves("outlier")["w"]).mean(axis=1)
    assert outlier.argmax() == 200 and outlier.max() > 100 * np.median(outlier)
    sparse = leaves("sparse")["w"]
    assert 0.45 < np.mean(sparse == 0) < 0.55 and np.all(sparse[:4, 0] == 0) and np.all(sparse[5] == 0)
    assert [step for step, g in enumerate(leaves("zerofirst")["w"]) if np.all(g == 0)] == [0, 1, 5]


def test_the_file_is_json_with_a_line_for_each_field():
    case = {"name": "a/b", "params": [{"w": record.plain_numbers([1.5, float("nan")])}, {"w": [float(2)]}]}
    text = record.as_text("sgd", [case, case])
    assert json.loads(text) == {"algorithm": "sgd", "cases": [case, case]}
    assert text.count("\n") == 2 + 2 * 2 and case["params"][0]["w"] == [1.5, "nan"]


def test_hyperparameters_are_literals_or_texts():
    assert record.named(["lr=0.1", "betas=(0.9, 0.99)", "mode=none", "on=True"]) == {
        "lr": 0.1,
        "betas": (0.9, 0.99),
        "mode": "none",
        "on": True,
    }


def test_losses_fall_but_for_one():
    losses = gradient_kinds.losses("any text", 400)
    assert losses == gradient_kinds.losses("any text", 400) != gradient_kinds.losses("another text", 400)
    assert losses[0] > 4 and losses[-1] < 1e-9 and losses[200] > 20 * losses[199]


def test_a_transformation_of_optax_is_recorded_with_losses(tmp_path, monkeypatch):
    file = tmp_path / "golden.json"
    words = ["polyak_sgd", "optax:polyak_sgd", "--set", "f_min=0.5", "--losses", "--kinds", "smooth", "--steps", "3"]
    monkeypatch.setattr(sys, "argv", ["record.py", *words, "--out", str(file)])
    record.main()
    (case,) = json.loads(file.read_text())["cases"]
    assert case["name"] == "optax/f_min=0.5-smooth" and case["set_explicitly"] == ["f_min"]
    assert case["source"].startswith("PyPI optax==") and case["hyperparameters"]["max_learning_rate"] == 1.0
    p = {leaf: np.array(x) for leaf, x in case["params_0"].items()}
    for grads, params, loss in zip(case["grads"], case["params"], case["losses"], strict=True):
        norm = sum(np.sum(np.square(x)) for x in grads.values())
        p = {leaf: p[leaf] - min((loss - 0.5) / norm, 1) * np.array(grads[leaf]) for leaf in p}
        np.testing.assert_allclose(params["w"], p["w"], rtol=1e-12)


def test_an_optimizer_is_recorded(tmp_path, monkeypatch, capsys):
    pytest.importorskip("torch")
    file = tmp_path / "golden.json"
    words = [
        "momentum",
        "torch.optim:SGD",
        "--set",
        "lr=0.1",
        "--set",
        "momentum=0.5",
        "--out",
        str(file),
        "--steps",
        "3",
    ]
    for kinds in ("smooth,mixed", "mixed"):
        monkeypatch.setattr(sys, "argv", ["record.py", *words, "--kinds", kinds])
        record.main()
    smooth, mixed = json.loads(file.read_text())["cases"]
    assert (smooth["name"], mixed["name"]) == ("torch/lr=0.1,momentum=0.5-smooth", "torch/lr=0.1,momentum=0.5-mixed")
    assert smooth["set_explicitly"] == ["lr", "momentum"] and smooth["hyperparameters"]["nesterov"] is False
    assert smooth["source"].startswith("PyPI torch==") and smooth["source"].endswith(" (SGD)")
    p, v = np.array(smooth["params_0"]["w"]), 0
    for grads, params in zip(smooth["grads"], smooth["params"], strict=True):
        v = 0.5 * v + np.array(grads["w"])
        p = p - 0.1 * v
        np.testing.assert_allclose(params["w"], p, rtol=1e-14)
