"""Training that goes on with other hyperparameters: what fits is carried over, what does not is said."""

import chex
import jax
import jax.numpy as jnp
import optax
import pytest
from registered import COVERING

import optax_zoo as zoo

PARAMS = {"w": jnp.array([1.0, -2.0]), "b": jnp.float32(0.5)}
GRADS = {"w": jnp.array([0.5, -1.0]), "b": jnp.float32(2.0)}
SCHEDULE = optax.linear_schedule(0.1, 0.0, 100)


def midway(tx):
    _, state = tx.update(GRADS, tx.init(PARAMS), PARAMS)
    return state


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (zoo.sgd(0.1), zoo.sgd(0.1, weight_decay=0.1), "nothing for the slot gradient"),
        (zoo.adamw(0.1, weight_decay=0), zoo.adamw(0.1), "nothing for the slot decay"),
        (zoo.expectigrad(0.1, 0), zoo.expectigrad(0.1), "nothing for the slot momentum"),
        (zoo.expectigrad(0.1), zoo.expectigrad(0.1, 0), "a slot momentum, which is not filled here"),
        (zoo.sgd(0.1), zoo.sgd(SCHEDULE), "no count in the slot learning_rate"),
        (zoo.adam(0.1), zoo.adam(0.1, b1=zoo.growing_decay(0.9)), "slot 'numerator' was made by other"),
    ],
    ids=["coupled decay", "decay", "momentum", "no momentum", "schedule", "growing decay"],
)
def test_another_hyperparameter_is_an_error_with_slot_cause_and_cure_and_migrates(before, after, message):
    state = midway(before)
    with pytest.raises(ValueError, match=rf"{message}.*optax_zoo.migrate\(state, tx, params\)"):
        after.update(GRADS, state, PARAMS)
    carried = zoo.migrate(state, after, PARAMS, count=7)
    chex.assert_trees_all_equal_shapes_and_dtypes(carried, after.init(PARAMS))
    after.update(GRADS, carried, PARAMS)
    for path, leaf in jax.tree.leaves_with_path(carried):
        old = dict((jax.tree_util.keystr(place), x) for place, x in jax.tree.leaves_with_path(state))
        place = jax.tree_util.keystr(path)
        if place in old:
            chex.assert_trees_all_equal(leaf, old[place])
        elif place.endswith(".count"):
            assert int(leaf) == 7


def test_a_schedule_may_become_a_number():
    after, state = zoo.sgd(0.1), midway(zoo.sgd(SCHEDULE))
    updates, _ = after.update(GRADS, state, PARAMS)
    chex.assert_trees_all_close(updates, jax.tree.map(lambda g: -0.1 * g, GRADS))


def test_states_of_chains_and_other_dtypes_are_carried_over():
    def tx(**hyperparameters):
        return optax.chain(optax.clip(1.0), zoo.adam(0.1, **hyperparameters))

    state = midway(tx())
    low = tx(accumulator_dtype=jnp.bfloat16, weight_decay=0.1)
    carried = zoo.migrate(state, low, PARAMS)
    chex.assert_trees_all_equal_shapes_and_dtypes(carried, low.init(PARAMS))
    moment = state[1]["numerator"].estimator.value["w"]
    chex.assert_trees_all_equal(carried[1]["numerator"].estimator.value["w"], moment.astype(jnp.bfloat16))


def test_an_array_of_another_shape_is_refused_with_its_place():
    other = {**PARAMS, "w": jnp.ones(3)}
    with pytest.raises(ValueError, match=r"shape \(2,\) at numerator\.estimator\.value\.w, but needs \(3,\)"):
        zoo.migrate(midway(zoo.adam(0.1)), zoo.adam(0.1), other)


def test_a_counter_of_each_element_is_no_counter_of_all_nor_the_reverse():
    by_element = zoo.rmsprop(0.1).replace(denominator=zoo.arithmetic_rms(sparse=True))
    of_all = zoo.rmsprop(0.1).replace(denominator=zoo.root(zoo.ema(zoo.growing_decay(0.9), of=zoo.square)))
    assert int(zoo.migrate(midway(by_element), of_all, PARAMS, count=7)["denominator"].count) == 7
    carried = zoo.migrate(midway(of_all), by_element, PARAMS, count=7)
    chex.assert_trees_all_equal(carried["denominator"].count, jax.tree.map(jnp.zeros_like, PARAMS))


def test_a_state_that_is_no_state_of_a_pipeline_is_refused():
    with pytest.raises(TypeError, match="must be the dict by slot"):
        zoo.sgd(0.1).update(GRADS, optax.sgd(0.1).init(PARAMS))


@pytest.mark.parametrize("name", COVERING)
def test_setting_a_count_fills_in_none_that_is_not_there(name):
    """`optax.tree.set` by the name of a field finds the counters that are counted with, and no others."""
    tx = zoo.create(name, **zoo.describe(name).example)
    state = tx.init(PARAMS)
    everything = jax.tree.leaves_with_path(state, is_leaf=lambda x: x is None)
    assert all(x is not None for path, x in everything if jax.tree_util.keystr(path).endswith(".count"))
    try:  # expectigrad counts by element, in a tree
        changed = optax.tree.set(state, lambda path, value: not isinstance(value, dict), count=jnp.int32(0))
    except KeyError:
        return
    chex.assert_trees_all_equal_structs(changed, state)
    tx.update(GRADS, changed, PARAMS, value=jnp.float32(1.0), curvature=GRADS)
