"""Tasks from a user's own arrays and model."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn
from flax import nnx

from optax_zoo.race import RaceError, Task, race
from optax_zoo.race.tasks import resolve_task

X = np.random.default_rng(0).normal(size=(200, 8))
CLASSES = X[:, :3].argmax(axis=1)
NUMBERS = X @ np.arange(8.0)
PLAIN = (lambda key: jnp.zeros((8, 3)), lambda weights, x: x @ weights)


class Perceptron(nnx.Module):
    def __init__(self, outputs=3, *, rngs):
        self.hidden, self.head = nnx.Linear(8, 16, rngs=rngs), nnx.Linear(16, outputs, rngs=rngs)

    def __call__(self, x):
        return self.head(nnx.relu(self.hidden(x)))


class Restless(nnx.Module):
    """Dropout in evaluation, too."""

    def __init__(self, rngs):
        self.head, self.dropout = nnx.Linear(8, 3, rngs=rngs), nnx.Dropout(0.5, rngs=rngs)

    def __call__(self, x):
        return self.dropout(self.head(x), deterministic=False)


class Averaging(nn.Module):
    """Batch norm of Linen, in evaluation too unless it is said."""

    average: bool

    @nn.compact
    def __call__(self, x):
        return nn.BatchNorm(use_running_average=self.average)(nn.Dense(3)(x))


class Sowing(nn.Module):
    @nn.compact
    def __call__(self, x, train=False):
        x = nn.Dense(3)(x)
        self.sow("sums", "of scores", x.sum())
        return x


class Regular(nn.Module):
    """Dropout and batch norm, by the argument that is usual in Linen."""

    @nn.compact
    def __call__(self, x, train: bool):
        x = nn.relu(nn.BatchNorm(use_running_average=not train, momentum=0.9)(nn.Dense(32)(x)))
        return nn.Dense(3)(nn.Dropout(0.3, deterministic=not train)(x))


class Deterministic(nn.Module):
    """Dropout alone, by the argument that is usual in Flax's own layers."""

    @nn.compact
    def __call__(self, x, deterministic: bool = True):
        return nn.Dense(3)(nn.Dropout(0.3)(nn.relu(nn.Dense(32)(x)), deterministic=deterministic))


class RegularNnx(nnx.Module):
    def __init__(self, rngs):
        self.hidden, self.head = nnx.Linear(8, 32, rngs=rngs), nnx.Linear(32, 3, rngs=rngs)
        self.norm, self.dropout = nnx.BatchNorm(32, momentum=0.9, rngs=rngs), nnx.Dropout(0.3, rngs=rngs)

    def __call__(self, x):
        return self.head(self.dropout(nnx.relu(self.norm(self.hidden(x)))))


def descended(task, steps=30):
    """The loss on the training part before and after some steps of Adam, and the metric after them."""
    parameters, tx = task.init(jax.random.key(0)), optax.adam(0.05)

    @jax.jit
    def train(parameters):
        def step(carry, _):
            parameters, state = carry
            updates, state = tx.update(jax.grad(task.loss)(parameters, task.train), state)
            return (optax.apply_updates(parameters, updates), state), None

        return jax.lax.scan(step, (parameters, tx.init(parameters)), length=steps)[0][0]

    after = train(parameters)
    return task.loss(parameters, task.train), task.loss(after, task.train), task.metric(after, task.test)


@pytest.mark.parametrize(
    "model",
    [nn.Dense(3), Perceptron, lambda rngs: Perceptron(rngs=rngs), Perceptron(rngs=nnx.Rngs(7)), PLAIN],
    ids=["linen", "nnx class", "nnx function", "nnx module", "plain"],
)
def test_models_of_all_kinds_learn_classes(model):
    task = Task.from_arrays(X, CLASSES, model)
    before, after, accuracy = descended(task)
    assert after < 0.8 * before and accuracy > 0.6
    assert task.metric_name == "accuracy" and task.batch_size == 64 and task.steps == 600


@pytest.mark.parametrize("model", [nn.Dense(1), lambda rngs: Perceptron(1, rngs=rngs)])
def test_a_column_of_outputs_is_compared_with_numbers_one_by_one(model):
    before, after, _ = descended(Task.from_arrays(X, NUMBERS, model))
    assert after < 0.9 * before


def test_regression_is_measured_by_the_share_of_variance_explained():
    task = Task.from_arrays(X, NUMBERS, (lambda key: jnp.zeros(8), lambda weights, x: x @ weights))
    inputs, targets = task.test
    weights = jnp.arange(8.0) * 0.9
    left = np.sum((inputs @ np.asarray(weights) - targets) ** 2) / np.sum((targets - targets.mean()) ** 2)
    assert task.metric_name == "R2"
    assert task.metric(weights, task.test) == pytest.approx(1 - left, abs=1e-5)
    assert task.metric(jnp.arange(8.0), task.test) == pytest.approx(1, abs=1e-5)
    assert task.loss(weights, task.test) == pytest.approx(left * np.var(targets), rel=1e-4)


def test_whole_numbers_can_be_numbers_and_floats_classes():
    assert Task.from_arrays(X, CLASSES, nn.Dense(1), kind="regression").metric_name == "R2"
    task = Task.from_arrays(X, CLASSES.astype(float), nn.Dense(3), kind="classification")
    assert task.metric_name == "accuracy" and task.train[1].dtype == np.int32


def test_tokens_stay_whole_and_rows_of_numbers_are_targets():
    task = Task.from_arrays(np.arange(200).reshape(50, 4), X[:50, :2], (lambda key: 1.0, lambda s, x: s * x[:, :2]))
    assert task.train[0].dtype == np.int32 and task.train[1].shape == (30, 2) and task.batch_size == 30


def test_a_seed_starts_from_its_own_parameters_unless_a_module_is_given():
    made = Task.from_arrays(X, CLASSES, Perceptron)
    given = Task.from_arrays(X, CLASSES, Perceptron(rngs=nnx.Rngs(7)))
    first = [jax.tree.leaves(task.init(jax.random.key(0)))[1] for task in (made, given)]
    second = [jax.tree.leaves(task.init(jax.random.key(1)))[1] for task in (made, given)]
    assert not np.array_equal(first[0], second[0]) and np.array_equal(first[1], second[1])


def test_parts_are_apart_stratified_and_fixed_by_the_seed():
    rows = np.arange(200.0)
    tasks = [Task.from_arrays(X, CLASSES, nn.Dense(3), seed=seed) for seed in (0, 0, 1)]
    assert np.array_equal(tasks[0].train[0], tasks[1].train[0])
    assert not np.array_equal(tasks[0].train[0], tasks[2].train[0])
    numbered = Task.from_arrays(rows, CLASSES, (lambda key: 0.0, lambda s, x: s + jnp.zeros((len(x), 3))))
    parts = numbered.train, numbered.validation, numbered.test
    assert sorted(np.concatenate([x for x, _ in parts])) == rows.tolist()
    assert [len(x) for x, _ in parts] == [120, 40, 40]
    shares = [np.bincount(y, minlength=3) / len(y) for _, y in parts]
    np.testing.assert_allclose(shares, np.tile(np.bincount(CLASSES) / 200, (3, 1)), atol=0.02)


def test_without_shuffle_parts_follow_each_other_and_sorted_labels_are_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        task = Task.from_arrays(X, CLASSES, nn.Dense(3), shuffle=False, validation=0.1, test=0.3)
        Task.from_arrays(X, np.sort(CLASSES), nn.Dense(3))
    np.testing.assert_array_equal(np.concatenate([task.train[1], task.validation[1], task.test[1]]), CLASSES)
    assert [len(y) for _, y in (task.train, task.validation, task.test)] == [120, 20, 60]
    for y in (np.sort(CLASSES), np.sort(CLASSES)[::-1]):
        with pytest.warns(UserWarning, match="y is sorted and shuffle is False") as caught:
            Task.from_arrays(X, y, nn.Dense(3), shuffle=False)
        assert caught[0].filename == __file__


HOLED = np.where(np.arange(200)[:, None] == 3, np.nan, X)
TENTHS = {"validation": 0.1, "test": 0.1}
DENSE, NOISY = nn.Dense(3), nn.Dropout(0.5, deterministic=False)
REFUSED = [
    ("x has 5 examples and y has 200", (X[:5], CLASSES, nn.Dense(3)), {}),
    ("x has 0 examples and y has 0", (X[:0], CLASSES[:0], nn.Dense(3)), {}),
    ("x must be finite, but 1 of 200 .* first 3", (HOLED, CLASSES, nn.Dense(3)), {}),
    ("x has dtype <U", (X.astype(str), CLASSES, nn.Dense(3)), {}),
    (r"y has dtype <U.*np.unique\(y, return_inverse=True\)", (X, CLASSES.astype(str), nn.Dense(3)), {}),
    (r"y has shape \(200, 3\).*np.argmax", (X, np.eye(3, dtype=int)[CLASSES], nn.Dense(3)), {}),
    ("y must hold the classes 0, 1, ..., but has -1", (X, CLASSES - 1, nn.Dense(3)), {}),
    ("y must hold the classes 0, 1, ..., but has 0.5", (X, CLASSES / 2, nn.Dense(3)), {"kind": "classification"}),
    ("y is 0 for all examples", (X, 0 * CLASSES, nn.Dense(1)), {}),
    ("y is the same for all examples", (X, 0 * NUMBERS, nn.Dense(1)), {}),
    ("y must be finite", (X, np.r_[np.nan, NUMBERS[1:]], nn.Dense(1)), {}),
    (r"returns shape \(2, 4\) .* must return \(2, 3\), as y has the classes 0 to 2", (X, CLASSES, nn.Dense(4)), {}),
    (r"returns shape \(2, 2\) .* must return \(2,\)", (X, NUMBERS, nn.Dense(2)), {}),
    ("class 2 of y has 2 examples", (X, np.r_[2, 2, np.arange(198) % 2], nn.Dense(3)), {}),
    ("parts have 12, 2 and 2 .* too few .* 3 classes", (X[:16], np.arange(16) % 3, nn.Dense(3)), TENTHS),
    ("validation is 1.5, but must be a share", (X, CLASSES, nn.Dense(3)), {"validation": 1.5}),
    ("split 200 examples into -20, 180 and 40", (X, CLASSES, nn.Dense(3)), {"validation": 0.9}),
    ("seed is -1", (X, CLASSES, nn.Dense(3)), {"seed": -1}),
    ("kind is 'classes'", (X, CLASSES, nn.Dense(3)), {"kind": "classes"}),
    ("model is 3, but must be a Flax Linen module", (X, CLASSES, 3), {}),
    (r"model is \(1, 2\)", (X, CLASSES, (1, 2)), {}),
    ("model is <class .*Dense'>", (X, CLASSES, nn.Dense), {}),
    ("makes a int and no NNX module", (X, CLASSES, lambda rngs: 3), {}),
    ("model cannot be made from nnx.Rngs", (X, CLASSES, lambda rngs: Perceptron()), {}),
    (r"model cannot take x of shape \(2, 8\)", (X, CLASSES, lambda rngs: nnx.Linear(9, 3, rngs=rngs)), {}),
    (r"model cannot take x of shape \(1, 8\)", (X, CLASSES, nn.Conv(3, (3, 3))), {}),
    ("must return one array of scores, but returns a tuple", (X, CLASSES, (PLAIN[0], lambda w, x: (x, x))), {}),
    ("draws random numbers in evaluation, too: let its __call__ take", (X, CLASSES, Restless), {}),
    ("draws random numbers in evaluation, too", (X, CLASSES, nn.Sequential([DENSE, NOISY])), {}),
    ("changes its variables batch_stats in evaluation, too", (X, CLASSES, Averaging(False)), {}),
    ("asks for a mode, let its __call__", (X, CLASSES, nn.Sequential([DENSE, nn.Dropout(0.5)])), {}),
    ("has other variables after a step of training than before", (X, CLASSES, Sowing()), {}),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "arguments", "options"), REFUSED, ids=[each[0][:40] for each in REFUSED])
def test_what_does_not_fit_is_refused_in_one_sentence(sentence, arguments, options):
    with pytest.raises(RaceError, match=sentence) as refused:
        Task.from_arrays(*arguments, **options)
    assert "\n" not in str(refused.value)


MODES = {"linen": Regular(), "deterministic": Deterministic(), "nnx": RegularNnx, "module": RegularNnx(nnx.Rngs(3))}


@pytest.fixture(params=MODES)
def moody(request):
    """A task of a model that is another in training than in evaluation."""
    return Task.from_arrays(X, CLASSES, MODES[request.param])


def test_dropout_draws_in_training_by_the_key_of_the_step_and_never_in_evaluation(moody):
    parameters = moody.init(jax.random.key(0))
    step = jax.jit(lambda seed: moody.step_loss(parameters, moody.train, jax.random.key(seed), moody.state)[0])
    first, again, other = step(1), step(1), step(2)
    assert first == again and abs(first - other) > 1e-3
    evaluated = [moody.evaluate(parameters, moody.state, moody.test) for _ in range(2)]
    assert evaluated[0] == evaluated[1]


def test_statistics_are_carried_from_step_to_step_and_evaluation_reads_them():
    for name in ("linen", "nnx"):
        task = Task.from_arrays(5 + X, CLASSES, MODES[name])
        parameters, state = task.init(jax.random.key(0)), task.state
        before = task.evaluate(parameters, state, task.test)[0]
        step = jax.jit(task.step_loss)
        for number in range(40):
            _, state = step(parameters, task.train, jax.random.key(number), state)
        mean, variance = jax.tree.leaves(state)
        kernel, bias = next(layer for layer in _layers(parameters) if np.shape(layer[0]) == (8, 32))
        hidden = task.train[0] @ np.asarray(kernel) + np.asarray(bias)
        np.testing.assert_allclose(mean, hidden.mean(0), rtol=0.05, atol=0.05)
        np.testing.assert_allclose(variance, hidden.var(0), rtol=0.05)
        assert abs(task.evaluate(parameters, state, task.test)[0] - before) > 0.1


def _layers(parameters):
    """Kernels and biases that stand side by side."""
    leaves = {jax.tree_util.keystr(path): leaf for path, leaf in jax.tree.leaves_with_path(parameters)}
    return [(leaf, leaves[name.replace("kernel", "bias")]) for name, leaf in leaves.items() if "kernel" in name]


def test_a_step_of_linen_is_what_one_writes_by_hand():
    task, model = Task.from_arrays(X, CLASSES, Regular()), Regular()
    variables = model.init(jax.random.key(5), X[:1], train=False)
    inputs, labels = task.train
    scores, new = model.apply(variables, inputs, train=True, rngs=jax.random.key(9), mutable=["batch_stats"])
    expected = optax.softmax_cross_entropy_with_integer_labels(scores, labels).mean()
    parameters = task.init(jax.random.key(5))
    loss, state = task.step_loss(parameters, task.train, jax.random.key(9), task.state)
    assert loss == expected and parameters.keys() == {"params"} and state.keys() == {"batch_stats"}
    jax.tree.map(np.testing.assert_array_equal, state, dict(new))
    scores = model.apply({**parameters, **state}, task.test[0], train=False)
    assert task.metric(parameters, task.test, state) == np.mean(scores.argmax(-1) == task.test[1])


def test_a_step_of_nnx_is_what_one_writes_by_hand_and_a_module_stays_as_it_is():
    class Normed(nnx.Module):
        def __init__(self, rngs):
            self.head, self.norm = nnx.Linear(8, 3, rngs=rngs), nnx.BatchNorm(3, rngs=rngs)
            self.dropout = nnx.Dropout(0.0, rngs=rngs)

        def __call__(self, x):
            return self.dropout(self.norm(self.head(x)))

    model = Normed(nnx.Rngs(0))
    task = Task.from_arrays(X, CLASSES, model)
    assert not model.norm.use_running_average and not model.dropout.deterministic
    inputs, labels = task.train
    loss, state = task.step_loss(task.init(jax.random.key(0)), task.train, jax.random.key(1), task.state)
    np.testing.assert_array_equal(model.norm.mean[...], 0)
    expected = optax.softmax_cross_entropy_with_integer_labels(model(jnp.asarray(inputs)), labels).mean()
    assert float(loss) == pytest.approx(float(expected), rel=1e-6)
    np.testing.assert_allclose(jax.tree.leaves(state)[0], model.norm.mean[...], rtol=1e-6)


def test_batch_norm_that_keeps_its_averages_and_a_flag_without_dropout_are_plain_tasks():
    task = Task.from_arrays(X, CLASSES, Averaging(True))
    parameters = task.init(jax.random.key(0))
    _, state = task.step_loss(parameters, task.train, jax.random.key(1), task.state)
    jax.tree.map(np.testing.assert_array_equal, state, task.state)
    assert Task.from_arrays(X, CLASSES, nn.Dense(3)).training is None


@pytest.mark.parametrize(
    "name", ["linen", *(pytest.param(name, marks=pytest.mark.slow) for name in MODES if name != "linen")]
)
def test_they_race(name):
    moody = Task.from_arrays(X, CLASSES, MODES[name])
    options = dict(task=moody, steps=60, rates=[0.03], seeds=1, final_seeds=2, progress=False)
    result = race(["adam", "schedule_free_adamw"], **options)
    assert all(row.test_metric > 0.7 for row in result.rows)
    again = race(["adam"], **options)
    assert again["adam"].test_metric == result["adam"].test_metric


def test_it_is_found_by_its_module(tmp_path, monkeypatch):
    (tmp_path / "mine_of_arrays.py").write_text(
        "import numpy as np\nfrom flax import linen as nn\nfrom optax_zoo.race import Task\n"
        "task = Task.from_arrays(np.eye(12), np.arange(12) % 2, nn.Dense(2), name='mine')\n"
    )
    monkeypatch.chdir(tmp_path)
    assert resolve_task("mine_of_arrays:task").name == "mine"
