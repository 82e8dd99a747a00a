"""What every registered algorithm must do beside passing the kit, see conformance/test_registered.py."""

import jax
import jax.numpy as jnp
import optax
import pytest

import optax_zoo as zoo
from optax_zoo.compat import enable_x64

NAMES = zoo.list_algorithms()


@pytest.mark.parametrize("name", NAMES)
def test_statistics_of_bfloat16_gradients_are_kept_in_float32(name, params):
    low = jax.tree.map(lambda p: p.astype("bfloat16"), params)
    state = jax.eval_shape(zoo.create(name, **zoo.describe(name).example).init, low)
    for leaf in jax.tree.leaves(state):
        assert leaf.dtype in (jnp.float32, jnp.int32, jnp.uint32, jnp.bool_)  # statistics, counts, key data, choices


@pytest.mark.parametrize("name", NAMES)
def test_statistics_of_float64_gradients_are_kept_in_float64(name, params):
    with enable_x64(True):
        wide = jax.tree.map(lambda p: p.astype("float64"), params)
        state = jax.eval_shape(zoo.create(name, **zoo.describe(name).example).init, wide)
        assert {str(leaf.dtype) for leaf in jax.tree.leaves(state)} <= {"float64", "int32", "uint32", "bool"}


@pytest.mark.parametrize("name", NAMES)
def test_the_state_has_the_filled_slots(name, params):
    tx = zoo.create(name, **zoo.describe(name).example)
    assert set(jax.eval_shape(tx.init, params)) == set(tx.slots)


def test_examples_say_their_learning_rate():
    """Even if it is the default: whoever tries an optimizer at another rate finds by it what to compare with."""
    assert not zoo.list_algorithms(lambda a: "learning_rate" in a.defaults and "learning_rate" not in a.example)


def test_learning_rate_none_is_refused_because_it_would_ascend():
    for name in zoo.list_algorithms(lambda a: a.defaults.get("learning_rate") is not None):
        with pytest.raises(ValueError, match="learning_rate is None"):
            zoo.create(name, learning_rate=None)


@pytest.mark.parametrize(
    ("name", "hyperparameters", "message"),
    [
        ("adam", {"b1": 1.0}, "b1 is 1.0, but must be at least 0 and below 1"),
        ("adam", {"eps": -1e-8}, "eps is -1e-08, but must be at least 0"),
        ("adam", {"learning_rate": -0.1}, "learning_rate is -0.1, but must be at least 0"),
        ("adam", {"learning_rate": float("nan")}, "learning_rate is nan"),
        ("adamw", {"weight_decay": -1}, "weight_decay is -1"),
        ("gravity", {"alpha": -0.1}, "alpha is -0.1"),
        ("gravity", {"learning_rate": optax.linear_schedule(0.0, 0.1, 10)}, "learning_rate starts at 0"),
        ("adabound", {"learning_rate": jnp.float32(0.1)}, "base_learning_rate is None, but must be given"),
        ("adabound", {"learning_rate": optax.linear_schedule(0.0, 0.1, 10)}, "base_learning_rate is None"),
        ("adabound", {"final_lr": 0.0}, "final_lr is 0.0, but must be above 0"),
        ("adagrad", {"initial_accumulator": -0.1}, "initial_accumulator is -0.1, but must be at least 0"),
        ("rmsprop", {"centered": True, "initial_accumulator": 1.0}, "initial_accumulator is 1.0, but must be 0"),
        ("nadam", {"momentum_decay": 0.0}, "momentum_decay is 0.0, but must be above 0"),
        ("eve", {"c": 0.5}, "c is 0.5, but must be at least 1"),
        ("clipped", {"max_norm": 0.0}, "max_norm is 0.0, but must be above 0"),
        ("clipped", {"norm": "l7"}, "norm is 'l7', but must be one of"),
        ("normalized", {"inner": optax.sgd(0.1), "learning_rate": 0.1}, "give only one"),
    ],
)
def test_numbers_outside_their_range_are_refused(name, hyperparameters, message):
    with pytest.raises(ValueError, match=message):
        zoo.create(name, **hyperparameters)


def test_what_is_no_number_is_refused():
    with pytest.raises(TypeError, match=r"learning_rate is '0\.1', but must be a number"):
        zoo.sgd("0.1")
    with pytest.raises(TypeError, match="static_args"):
        zoo.gravity(key=jnp.float32(0.0))
