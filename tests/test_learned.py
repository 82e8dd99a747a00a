"""The learned LSTM, its weights and meta-training."""

import functools
import json
import zipfile

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

import optax_zoo as zoo
from optax_zoo import learned
from optax_zoo.learned.weights import SHIPPED

START = {"log_rate": jnp.log(1e-4)}
BRIEF = dict(key=jax.random.key(3), episodes=4, steps=6, unroll=3, batch=4, validation_tasks=8, interval=2)


def sgd(weights):
    return zoo.sgd(jnp.exp(weights["log_rate"]))


def bowl(key, /):
    """A task that compiles faster than `quadratic`."""
    centre = jax.random.normal(key, (2,))
    return jnp.zeros(2), lambda theta, key: jnp.sum((theta - centre) ** 2)


def train(**changes):
    return learned.meta_train(sgd, START, bowl, **{**BRIEF, **changes})


@pytest.fixture(scope="module")
def weights():
    return learned.init_weights(jax.random.key(0))


@pytest.fixture
def tx(weights):
    return zoo.learned_lstm(weights=weights)


def test_state_adds_a_trailing_dimension_of_hidden_units(tx, params):
    state = tx.init({**params, "z": jnp.zeros(5, jnp.complex64)})["numerator"]
    for part in (state.hidden, state.cell):
        assert list(part) == ["lstm_1", "lstm_2"]
        for layer in part.values():
            assert {name: x.shape for name, x in layer.items()} == {
                "w": (4, 3, 20),
                "b": (3, 20),
                "s": (20,),
                "z": (5, 2, 20),
            }
            assert {x.dtype for x in layer.values()} == {jnp.dtype("float32")}


@pytest.mark.slow
def test_coordinates_do_not_see_each_other(tx, params, grads, run):
    whole = run(tx, params, grads)[2]
    alone = run(tx, {"w": params["w"][1, 2]}, {"w": grads["w"][1, 2]})[2]
    chex.assert_trees_all_close(whole["w"][1, 2], alone["w"], rtol=1e-5)


def test_real_and_imaginary_part_are_two_coordinates(tx, grads, run):
    g = grads["b"]
    both = run(tx, {"z": jnp.zeros(3, jnp.complex64)}, {"z": jax.lax.complex(g, -2 * g)})[2]["z"]
    for part, gradient in ((both.real, g), (both.imag, -2 * g)):
        chex.assert_trees_all_close(part, run(tx, g, gradient)[2], rtol=1e-5)


def test_the_rate_scales_the_output(weights, params, grads, run):
    small, large = (run(zoo.learned_lstm(rate, weights=weights), params, grads)[2] for rate in (0.01, 0.1))
    chex.assert_trees_all_close(jax.tree.map(lambda u: 10 * u, small), large, rtol=1e-5)


def test_accumulator_dtype_is_that_of_the_state(weights, params, grads, run):
    tx = zoo.learned_lstm(weights=weights, accumulator_dtype=jnp.bfloat16)
    state, updates = run(tx, params, grads)[1:]
    assert {x.dtype for x in jax.tree.leaves(state)} == {jnp.dtype("bfloat16")}
    expected = run(zoo.learned_lstm(weights=weights), params, grads)[2]
    chex.assert_trees_all_close(updates, expected, atol=2e-3)


def test_weights_print_by_name(weights):
    expected = "pipeline(numerator=coordinatewise_lstm(weights=weights, k=5), learning_rate=0.01)"
    assert repr(zoo.learned_lstm(0.01, weights=weights, k=5)) == expected
    assert repr(zoo.learned_lstm()) == "pipeline(numerator=coordinatewise_lstm(), learning_rate=0.1)"


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"k": 0}, ValueError, "k is 0, but must be above 0"),
        (
            {"k": None},
            ValueError,
            r"weights\['lstm_1'\]\['w_gates'\] has the shape \(22, 80\), but must have \(21, 80\)",
        ),
        ({"weights": np.zeros(3)}, TypeError, "weights must be a dict of the layers"),
        ({"learning_rate": -1}, ValueError, "learning_rate is -1"),
    ],
)
def test_wrong_hyperparameters_are_refused(weights, changes, error, message):
    with pytest.raises(error, match=message):
        zoo.learned_lstm(**{"weights": weights, **changes})


def test_weights_with_a_layer_missing_are_refused(weights):
    with pytest.raises(ValueError, match="weights has the layers linear, lstm_1, lstm_3, but must have"):
        zoo.learned_lstm(weights={name: weights[name.replace("3", "2")] for name in ("linear", "lstm_1", "lstm_3")})


@pytest.mark.parametrize("spec", [P("x"), P("x", "y"), P(None, "y")])
def test_sharded_leaves_have_sharded_state_and_are_never_gathered(tx, spec):
    mesh = Mesh(np.array(jax.devices()).reshape(4, 2), ("x", "y"))
    sharding = NamedSharding(mesh, spec)
    params = jax.device_put(jnp.linspace(-1.0, 1.0, 64).reshape(16, 4), sharding)
    state = tx.init(params)
    step = jax.jit(tx.update)
    updates, after = step(params, state, params)
    for leaf in jax.tree.leaves((state, after)):
        assert leaf.sharding.is_equivalent_to(NamedSharding(mesh, P(*spec)), leaf.ndim)
    assert updates.sharding.is_equivalent_to(sharding, 2)
    text = step.lower(params, state, params).compile().as_text()
    assert not any(gathering in text for gathering in ("all-gather", "all-to-all", "all-reduce", "collective-permute"))
    whole = jax.device_get(params)
    chex.assert_trees_all_close(updates, tx.update(whole, tx.init(whole), whole)[0], rtol=1e-5, atol=1e-7)


def test_shipped_weights_are_small_described_and_free_of_pickle():
    assert SHIPPED.stat().st_size < 64_000
    with np.load(SHIPPED, allow_pickle=False) as file:
        assert sum(file[name].size for name in file.files) == 5141
    described = json.loads(SHIPPED.with_suffix(".json").read_text())
    assert {"task", "seed", "versions", "minutes", "result"} <= described.keys()


def test_shipped_weights_beat_tuned_momentum():
    """The strongest in the full comparison, which is examples/learn_to_optimize.py."""
    keys = jax.random.split(jax.random.key(5), 100)

    @functools.partial(jax.jit, static_argnums=0)
    def losses(make, rate):
        return jax.vmap(lambda key: learned.run(make(rate), learned.quadratic, key, 100)[-1])(keys)

    ours = losses(zoo.learned_lstm, 0.1)
    others = [losses(zoo.momentum, rate) for rate in (0.01, 0.02, 0.03)]
    assert jnp.mean(ours) < min(map(jnp.mean, others))
    assert jnp.mean(jnp.log(ours)) < min(jnp.mean(jnp.log(other)) for other in others)


def test_weights_are_written_and_read(weights, tmp_path):
    learned.save_weights(tmp_path / "w.npz", weights)
    assert [path.name for path in tmp_path.iterdir()] == ["w.npz"]
    chex.assert_trees_all_equal(learned.load_weights(tmp_path / "w.npz"), weights)


def test_files_with_pickles_and_torn_files_are_no_weights(tmp_path):
    path = tmp_path / "w.npz"
    np.savez(path, a=np.array([{}], object))
    with pytest.raises(ValueError, match="is not a file of weights"):
        learned.load_weights(path)
    path.write_bytes(SHIPPED.read_bytes()[:5000])
    with pytest.raises(ValueError, match="is not a file of weights"):
        learned.load_weights(path)


def test_a_run_has_the_losses_before_each_step_and_after_the_last():
    key = jax.random.key(1)
    params, loss = learned.quadratic(key)
    expected = [loss(params, key)]
    for _ in range(3):
        params = params - 0.001 * jax.grad(loss)(params, key)
        expected.append(loss(params, key))
    chex.assert_trees_all_close(learned.run(zoo.sgd(0.001), learned.quadratic, key, 3), jnp.stack(expected), rtol=1e-5)


def test_derivatives_do_not_pass_through_gradients_of_the_task():
    """theta_2 = theta_0 - r g_0 - r g_1 with g_1 held: its loss has the derivative -(g_0 + g_1) g_2 in r."""

    def task(key):
        return jnp.float32(1.0), lambda theta, key: 1.5 * theta**2

    rate = 0.1
    slope = jax.grad(lambda r: learned.run(zoo.sgd(r), task, jax.random.key(0), 2)[-1])(rate)
    g = [3 * (1 - 3 * rate) ** count for count in range(3)]
    assert slope == pytest.approx(-(g[0] + g[1]) * g[2], rel=1e-5)


@pytest.mark.slow
def test_meta_training_improves_the_lstm(weights):
    found = learned.meta_train(
        lambda w: zoo.learned_lstm(weights=w),
        jax.tree.map(lambda w: 0.1 * w, weights),
        bowl,
        **{**BRIEF, "episodes": 60, "interval": 30, "batch": 8},
        meta_optimizer=optax.adam(1e-2),
    )
    assert [report.episode for report in found.history] == [0, 30, 60]
    assert found.validation == min(report.validation for report in found.history)
    assert found.validation < 0.9 * found.history[0].validation


def test_the_best_weights_are_kept():
    found = train(meta_optimizer=optax.sgd(-1.0))
    assert [report.best for report in found.history] == [found.history[0].validation] * 3
    chex.assert_trees_all_equal(found.weights, START)


class KilledError(Exception):
    pass


def kill_at(episode):
    def progress(report):
        if report.episode == episode:
            raise KilledError

    return progress


@pytest.mark.parametrize("episode", [0, 2])
def test_a_resumed_run_ends_like_an_uninterrupted_one(tmp_path, episode):
    uninterrupted = train()
    with pytest.raises(KilledError):
        train(checkpoint=tmp_path / "c.npz", progress=kill_at(episode))
    reports = []
    resumed = train(checkpoint=tmp_path / "c.npz", resume=True, progress=reports.append)
    assert [report.episode for report in reports] == list(range(episode + 2, 5, 2))
    chex.assert_trees_all_equal(resumed.weights, uninterrupted.weights)
    assert np.array_equal(resumed.history, uninterrupted.history, equal_nan=True)


def test_a_finished_run_resumes_to_what_it_found(tmp_path):
    found = train(checkpoint=tmp_path / "c.npz")
    again = train(checkpoint=tmp_path / "c.npz", resume=True)
    chex.assert_trees_all_equal(again.weights, found.weights)


def test_a_kill_while_a_checkpoint_is_written_leaves_the_one_before(tmp_path):
    found = train(checkpoint=tmp_path / "c.npz")
    (tmp_path / "c.npz.draft").write_bytes(b"half of a")
    assert train(checkpoint=tmp_path / "c.npz", resume=True).validation == found.validation


def test_checkpoints_that_cannot_be_resumed_are_refused(tmp_path):
    path = tmp_path / "c.npz"
    train(checkpoint=path)
    with pytest.raises(ValueError, match="exists; pass resume=True"):
        train(checkpoint=path)
    with pytest.raises(ValueError, match="batch was 4 and now is 5"):
        train(checkpoint=path, resume=True, batch=5)
    with pytest.raises(ValueError, match="objective was mean and now is max"):
        train(checkpoint=path, resume=True, objective=jnp.max)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="is not a checkpoint"):
        train(checkpoint=path, resume=True)
    with zipfile.ZipFile(path, "w"):
        pass
    with pytest.raises(ValueError, match="is not a checkpoint"):
        train(checkpoint=path, resume=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 7}, "unroll is 3, but must divide steps, which is 7"),
        ({"batch": 0}, "batch is 0, but must be above 0"),
        ({"episodes": -1}, "episodes is -1"),
        ({"interval": 0}, "interval is 0"),
    ],
)
def test_wrong_numbers_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        train(**changes)
