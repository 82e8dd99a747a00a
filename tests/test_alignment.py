"""What is moved and what is not; and what is said where gradients, parameters and states do not fit each other."""

import chex
import jax
import jax.numpy as jnp
import optax
import pytest
from registered import COVERING

import optax_zoo as zoo

PARAMS = {
    "w": jnp.array([[1.0, -2.0], [0.5, 3.0]]),
    "b": jnp.array([0.5, -1.0]),
    "steps": jnp.arange(3),
    "on": jnp.array([True, False]),
    "key": jax.random.key(0),
}
GRADS = {"w": jnp.array([[0.5, -1.0], [2.0, 0.25]]), "b": jnp.array([1.0, -0.5])}
MOVED = {"w": PARAMS["w"], "b": PARAMS["b"]}
STILL = ("steps", "on", "key")
KEY = jax.tree_util.DictKey("w")
SLOW = [pytest.param("learned_lstm", marks=pytest.mark.slow)]


def extra_args(grads):
    """What `update` is given beside them, for those that read it."""
    return {"value": jnp.float32(1.0), "curvature": grads}


def example(name):
    return zoo.create(name, **zoo.describe(name).example)


def same(found, expected):
    chex.assert_trees_all_equal_shapes_and_dtypes(found, expected)
    chex.assert_trees_all_close(found, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", COVERING)
def test_where_a_gradient_is_none_so_is_the_update_and_the_others_are_as_alone(name):
    """As equinox filters: the parameters have leaves that no gradient is taken by."""
    tx = example(name)
    grads, filtered = (dict(tree, **dict.fromkeys(STILL)) for tree in (GRADS, MOVED))
    expected, of_moved = tx.update(GRADS, tx.init(MOVED), MOVED, **extra_args(GRADS))
    for state in (tx.init(filtered), tx.init(PARAMS)):
        updates, after = tx.update(grads, state, PARAMS, **extra_args(grads))
        assert [updates[still] for still in STILL] == [None] * 3
        same({"w": updates["w"], "b": updates["b"]}, expected)
        assert jax.tree.structure(after) == jax.tree.structure(state)
        same(jax.tree.leaves(after), jax.tree.leaves(of_moved))


@pytest.mark.parametrize("name", ["adam", "adamw", "novograd", *SLOW])
def test_jitted_the_same_where_gradients_are_none(name):
    tx, params = example(name), {key: value for key, value in PARAMS.items() if key != "key"}
    grads = {**GRADS, "steps": None, "on": None}
    eager = tx.update(grads, tx.init(params), params)
    jitted = jax.jit(tx.update)(grads, tx.init(params), params)
    same(jitted, eager)


@pytest.mark.parametrize("name", COVERING)
def test_integers_bools_and_keys_stay_as_they_are_and_have_no_state(name):
    tx = example(name)
    state = tx.init(PARAMS)
    assert len(jax.tree.leaves(state)) == len(jax.tree.leaves(tx.init(MOVED)))
    params = {key: value for key, value in PARAMS.items() if key != "key"}
    grads = jax.grad(lambda p: jnp.sum(p["w"] ** 2) + jnp.sum(p["b"]), allow_int=True)(params)
    zeros = {**grads, "steps": jnp.zeros(3, int), "on": jnp.zeros(2, bool)}
    for given in (grads, zeros):  # of jax's float0, and of integers
        updates, after = tx.update(given, tx.init(params), params, **extra_args(given))
        moved = optax.apply_updates(params, updates)
        updates, after = tx.update(given, after, moved, **extra_args(given))  # the first step of some only prepares
        moved = optax.apply_updates(moved, updates)
        chex.assert_trees_all_equal_shapes_and_dtypes(moved, params)
        chex.assert_trees_all_equal([moved["steps"], moved["on"]], [params["steps"], params["on"]])
        assert not jnp.array_equal(moved["w"], params["w"])
        assert jax.tree.structure(after) == jax.tree.structure(tx.init(params))


def test_a_leaf_that_has_no_gradient_for_once_keeps_its_state():
    tx = zoo.adam(0.1)
    _, before = tx.update(GRADS, tx.init(MOVED), MOVED)
    for params in (MOVED, None):
        updates, after = tx.update({"w": GRADS["w"], "b": None}, before, params)
        assert updates["b"] is None
        slots = (before["numerator"].estimator.value, after["numerator"].estimator.value)
        chex.assert_trees_all_equal(slots[0]["b"], slots[1]["b"])
        assert not jnp.array_equal(slots[0]["w"], slots[1]["w"])


@pytest.mark.parametrize("name", ["muon", "prodigy", "schedule_free_adamw", "soap", *SLOW])
def test_so_does_a_leaf_whose_state_has_other_shapes_than_it(name):
    tx = example(name)
    params, grads = {**MOVED, "w": jnp.ones((2, 4))}, {**GRADS, "w": jnp.arange(8.0).reshape(2, 4)}
    _, before = tx.update(grads, tx.init(params), params, **extra_args(grads))
    updates, after = tx.update({**grads, "w": None}, before, params, **extra_args({**grads, "w": None}))
    assert updates["w"] is None and updates["b"].shape == (2,)
    kept, found = ([x for path, x in jax.tree.leaves_with_path(each) if KEY in path] for each in (before, after))
    assert kept
    chex.assert_trees_all_equal(kept, found)


@pytest.mark.parametrize("name", COVERING)
def test_strict_promotion_of_dtypes_and_ranks(name):
    tx = example(name)
    hands_no_rate_on = ("sharpness_aware(", "scope='leaf'", "coin_betting(")
    if isinstance(tx, zoo.Pipeline) and not any(part in repr(tx) for part in hands_no_rate_on):
        tx = tx.replace(decay=zoo.decoupled_decay(0.1))
    for dtype in (jnp.float32, jnp.bfloat16):
        params = jax.tree.map(lambda x, d=dtype: x.astype(d), MOVED)
        with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
            state = jax.eval_shape(tx.init, params)
            _, after = jax.eval_shape(lambda g, s, p: tx.update(g, s, p, **extra_args(g)), params, state, params)
        chex.assert_trees_all_equal_shapes_and_dtypes(after, state)


SHAPES = {
    "more axes": ({**GRADS, "b": jnp.ones((3, 2))}, r"\['b'\].*\(3, 2\).*\(2,\)|\['b'\].*\(2,\).*\(3, 2\)"),
    "longer": ({**GRADS, "b": jnp.ones(3)}, r"\['b'\].*\(3,\).*\(2,\)|\['b'\].*\(2,\).*\(3,\)"),
    "one leaf more": ({**GRADS, "c": jnp.ones(2)}, r"\['c'\] is in the .*gradients only"),
    "one leaf less": ({"w": GRADS["w"]}, r"\['b'\] is in the (parameters|state that was given) only"),
    "a list": (list(GRADS.values()), "gradients.*only"),
}


@pytest.mark.parametrize("transform", [lambda update: update, jax.jit], ids=["eager", "jitted"])
@pytest.mark.parametrize("params", [MOVED, None], ids=["with parameters", "without"])
@pytest.mark.parametrize("case", SHAPES)
def test_gradients_of_another_shape_or_tree_are_refused_with_the_path(case, params, transform):
    grads, message = SHAPES[case]
    tx = zoo.adam(0.1)
    with pytest.raises(ValueError, match=message):
        transform(tx.update)(grads, tx.init(MOVED), params)


@pytest.mark.parametrize("name", COVERING)
def test_gradients_of_another_shape_are_refused_in_every_row(name):
    tx = example(name)
    with pytest.raises(ValueError, match=r"the gradient \['b'\] has the shape \(3, 2\), but its parameter \(2,\)"):
        tx.update({**GRADS, "b": jnp.ones((3, 2))}, tx.init(MOVED), MOVED, **extra_args(GRADS))
    with pytest.raises(TypeError, match=r"the gradient \['b'\] is int32, but must be .* like its parameter, float32"):
        tx.update({**GRADS, "b": jnp.ones(2, int)}, tx.init(MOVED), MOVED, **extra_args(GRADS))


def test_integer_gradients_without_parameters_are_refused():
    with pytest.raises(TypeError, match=r"\['b'\] is int32, but must be floating-point .* pass params"):
        zoo.sgd(0.1).update({**GRADS, "b": jnp.ones(2, int)}, zoo.sgd(0.1).init(MOVED))


def test_a_mask_of_another_tree_is_refused_with_the_path():
    for mask in ({"w": True, "c": False}, lambda params: {"w": True, "c": False}):
        with pytest.raises(ValueError, match=r"mask of the weight decay does not fit .* \['c'\] is in the mask only"):
            zoo.adamw(0.1, weight_decay_mask=mask).init(MOVED)


def test_a_loss_or_a_scheduled_rate_that_is_no_scalar_is_refused():
    tx = zoo.eve(0.1)
    with pytest.raises(ValueError, match=r"value has the shape \(2,\), but must be the loss, a scalar"):
        tx.update(GRADS, tx.init(MOVED), MOVED, value=jnp.ones(2))
    tx = zoo.sgd(lambda count: jnp.ones(2))
    with pytest.raises(ValueError, match=r"learning_rate is a schedule that gave shape \(2,\)"):
        tx.update(GRADS, tx.init(MOVED), MOVED)


@pytest.mark.parametrize("transform", [lambda update: update, jax.jit], ids=["eager", "jitted"])
def test_errors_inside_a_step_name_the_slot_and_the_leaf(transform):
    def picky(x):
        return x @ jnp.ones((3, 3)) if x.shape == (2,) else x

    tx = zoo.pipeline(numerator=zoo.ema(0.9), momentum=zoo.ema(0.5, of=picky), learning_rate=0.1)
    state = zoo.pipeline(numerator=zoo.ema(0.9), momentum=zoo.ema(0.5), learning_rate=0.1).init(MOVED)
    with pytest.raises(TypeError, match="contracting") as found:
        transform(tx.update)(GRADS, state, MOVED)
    notes = " ".join(found.value.__notes__)
    assert "in the slot 'momentum'" in notes
    assert "at the leaf ['b']" in notes


def bfloat16_gradients_for_long(tx, count=300):
    params, grads = {"w": jnp.ones(3)}, {"w": jnp.full(3, 1e-3, jnp.bfloat16)}

    @jax.jit
    def run(params, state):
        def step(carry, _):
            updates, state = tx.update(grads, carry[1], carry[0])
            return (optax.apply_updates(carry[0], updates), state), None

        return jax.lax.scan(step, (params, state), length=count)[0][0]

    return run(params, tx.init(params))["w"]


@pytest.mark.parametrize(
    ("tx", "direction", "decay"),
    [
        (zoo.adamw(1e-3, weight_decay=1e-3), 1.0, 1e-3),
        (zoo.sgd(1e-3, weight_decay=1e-3), float(jnp.bfloat16(1e-3)), 1e-3),
        (zoo.sgd(1e-3).replace(decay=zoo.decoupled_decay(1e-3)), float(jnp.bfloat16(1e-3)), 1e-3),
    ],
    ids=["adamw", "coupled", "decoupled"],
)
def test_a_small_decay_of_float32_parameters_is_not_lost_in_bfloat16_gradients(tx, direction, decay):
    expected = 1.0
    for _ in range(300):
        expected -= 1e-3 * (direction + decay * expected)
    chex.assert_trees_all_close(bfloat16_gradients_for_long(tx), jnp.full(3, expected), rtol=0, atol=2e-5)


def test_a_decay_may_be_a_schedule_like_optax_s():
    schedule = optax.linear_schedule(0.1, 0.0, 3)
    decay = optax.inject_hyperparams(optax.add_decayed_weights)(schedule)  # optax.adamw takes one since 0.2.6
    ours = zoo.adamw(0.1, weight_decay=schedule)
    theirs = optax.chain(optax.scale_by_adam(), decay, optax.scale_by_learning_rate(0.1))
    state, expected = ours.init(MOVED), theirs.init(MOVED)
    for _ in range(4):
        updates, state = ours.update(GRADS, state, MOVED)
        reference, expected = theirs.update(GRADS, expected, MOVED)
        chex.assert_trees_all_close(updates, reference, rtol=1e-4, atol=1e-6)
    assert int(state["decay"].count) == 4
