"""What every registered algorithm must do, whatever it computes."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from registered import ALGORITHMS

import optax_zoo as zoo

NAMES = zoo.list_algorithms()
LOSS = jnp.float32(1.0)  # for those that read it


def example(name):
    return zoo.create(name, **zoo.describe(name).example)


@pytest.fixture(params=ALGORITHMS)
def tx(request):
    return example(request.param)


def apply(tx, params, state, grads):
    updates, state = tx.update(grads, state, params, value=LOSS)
    return optax.apply_updates(params, updates), state


def assert_same_kind(first, second):
    chex.assert_trees_all_equal_structs(first, second)
    chex.assert_trees_all_equal_shapes_and_dtypes(first, second)
    weak = [[jax.typeof(x).weak_type for x in jax.tree.leaves(tree)] for tree in (first, second)]
    assert weak[0] == weak[1]


def test_updates_mirror_the_gradients_and_state_keeps_its_kind(tx, params, grads):
    state = tx.init(params)
    updates, after = tx.update(grads, state, params, value=LOSS)
    assert_same_kind(updates, grads)
    assert_same_kind(after, state)
    assert set(state) == set(tx.slots)


def test_jit_scan_and_plain_python_agree(tx, params, grads, run):
    expected, expected_state, _ = run(tx, params, grads)

    @jax.jit
    def scanned(params, grads):
        def body(carry, _):
            return apply(tx, *carry, grads), None

        return jax.lax.scan(body, (params, tx.init(params)), length=5)[0]

    chex.assert_trees_all_close(scanned(params, grads), (expected, expected_state), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_vmap_over_learning_rates_equals_one_by_one(name, params, grads, run):
    rates = jnp.array([1e-3, 1e-2, 1e-1])

    def train(rate):
        return run(zoo.describe(name).at_rate(rate), params, grads)[0]

    together = jax.vmap(train)(rates)
    for index, rate in enumerate(rates):
        alone = train(float(rate))
        chex.assert_trees_all_close(jax.tree.map(lambda x, i=index: x[i], together), alone, rtol=1e-5, atol=1e-6)


def test_donated_step_compiles_once_and_consumes_its_buffers(tx, params, grads):
    step = jax.jit(lambda params, state, grads: apply(tx, params, state, grads), donate_argnums=(0, 1))
    params = jax.tree.map(jnp.copy, params)
    state = jax.jit(tx.init)(params)
    buffers = [x.unsafe_buffer_pointer() for x in jax.tree.leaves((params, state)) if x.size]
    assert len(set(buffers)) == len(buffers)
    new_params, new_state = step(params, state, grads)
    step(new_params, new_state, grads)
    assert all(x.is_deleted() for x in jax.tree.leaves((params, state)))
    assert step._cache_size() == 1


def test_init_without_values(tx, params):
    structs = jax.eval_shape(lambda: params)
    state = tx.init(params)
    assert_same_kind(jax.eval_shape(tx.init, structs), jax.eval_shape(lambda: state))
    chex.assert_trees_all_close(jax.jit(tx.init)(params), state, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_low_precision_gradients_keep_statistics_in_float32(tx, params, grads, dtype):
    low = lambda tree: jax.tree.map(lambda x: x.astype(dtype), tree)  # noqa: E731
    state = tx.init(low(params))
    updates, after = tx.update(low(grads), state, low(params), value=LOSS)
    assert_same_kind(updates, low(grads))
    assert_same_kind(after, state)
    for leaf in jax.tree.leaves(state):
        assert leaf.dtype in (jnp.float32, jnp.int32, jnp.uint32)  # statistics, counts, key data
    exact, _ = tx.update(
        jax.tree.map(lambda x: x.astype("float32"), low(grads)), tx.init(params), low(params), value=LOSS
    )
    chex.assert_trees_all_close(updates, low(exact), rtol=0.01)


def test_float64_trees_are_float64_throughout(tx, params, grads):
    with jax.enable_x64(True):
        wide = lambda tree: jax.tree.map(lambda x: x.astype("float64"), tree)  # noqa: E731
        state = tx.init(wide(params))
        updates, after = tx.update(wide(grads), state, wide(params), value=LOSS)
        assert_same_kind(updates, wide(grads))
        assert_same_kind(after, state)
        assert {str(leaf.dtype) for leaf in jax.tree.leaves(state)} <= {"float64", "int32", "uint32"}


def test_float32_trees_stay_float32_where_float64_is_enabled(tx, params, grads):
    with jax.enable_x64(True):
        state = tx.init(params)
        updates, after = tx.update(grads, state, params, value=LOSS)
        assert_same_kind(updates, grads)
        assert_same_kind(after, state)


def test_odd_leaves_and_containers(tx):
    tree = {
        "scalar": jnp.float32(2.0),
        "empty": jnp.zeros((0, 3)),
        "complex": jnp.array([1 + 2j, -0.5j]),
        "none": None,
        "masked": optax.MaskedNode(),
        "tuple": (jnp.ones(2), [jnp.ones((1, 1))]),
        "value": jnp.ones(3),
        "count": jnp.ones(2),
    }
    state = tx.init(tree)
    for _ in range(2):
        updates, after = tx.update(tree, state, tree, value=LOSS)
        assert_same_kind(updates, tree)
        assert_same_kind(after, state)
        chex.assert_tree_all_finite(updates)
        state = after


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_constant_schedule_equals_the_number(name, params, grads, run):
    number, _, _ = run(zoo.create(name, learning_rate=0.01), params, grads)
    schedule, state, _ = run(zoo.create(name, learning_rate=optax.constant_schedule(0.01)), params, grads)
    chex.assert_trees_all_close(number, schedule, rtol=1e-6)
    assert state["learning_rate"].count == 5


def test_zero_gradients_give_finite_updates(tx, params):
    state = tx.init(params)
    zero = jax.tree.map(jnp.zeros_like, params)
    for _ in range(3):
        updates, state = tx.update(zero, state, params, value=LOSS)
        chex.assert_tree_all_finite((updates, state))


def test_descends_a_quadratic(tx):
    target = {"a": jnp.array([1.0, -2.0, 3.0]), "b": jnp.array([[0.5]])}

    def loss(params):
        return sum(jnp.sum((params[k] - target[k]) ** 2) for k in target)

    def body(carry, _):
        params, state = carry
        return apply(tx, params, state, jax.grad(loss)(params)), None

    start = jax.tree.map(jnp.zeros_like, target)
    (params, _), _ = jax.jit(lambda s: jax.lax.scan(body, (s, tx.init(s)), length=20_000))(start)
    assert loss(params) < 1e-2 * loss(start)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_gradient_of_a_learning_rate_through_steps_is_finite(name, params, grads, run):
    def final(rate):
        return sum(jnp.sum(x) for x in jax.tree.leaves(run(zoo.describe(name).at_rate(rate), params, grads)[0]))

    nonzero = jax.tree.map(lambda g: g + 0.01, grads)
    grads = nonzero
    assert np.isfinite(jax.grad(final)(0.01))


def test_learning_rate_none_is_refused_because_it_would_ascend():
    for name in set(NAMES) - {"normalized", "clipped"}:
        with pytest.raises(ValueError, match="learning_rate is None"):
            zoo.create(name, learning_rate=None)


@pytest.mark.parametrize(
    ("name", "hyperparameters", "message"),
    [
        ("adam", {"b1": 1.0}, "decay is 1.0, but must be at least 0 and below 1"),
        ("adam", {"eps": -1e-8}, "eps is -1e-08, but must be at least 0"),
        ("adam", {"learning_rate": -0.1}, "learning_rate is -0.1, but must be at least 0"),
        ("adam", {"learning_rate": float("nan")}, "learning_rate is nan"),
        ("adamw", {"weight_decay": -1}, "weight_decay is -1"),
        ("gravity", {"alpha": -0.1}, "alpha is -0.1"),
        ("gravity", {"learning_rate": optax.linear_schedule(0.0, 0.1, 10)}, "learning_rate starts at 0"),
        ("adabound", {"learning_rate": jnp.float32(0.1)}, "base_learning_rate is None, but must be given"),
        ("adabound", {"learning_rate": optax.linear_schedule(0.0, 0.1, 10)}, "base_learning_rate is None"),
        ("adabound", {"final_lr": 0.0}, "final_lr is 0.0, but must be above 0"),
        ("adagrad", {"initial_accumulator": -0.1}, "initial is -0.1, but must be at least 0"),
        ("rmsprop", {"centered": True, "initial_accumulator": 1.0}, "initial_accumulator is 1.0, but must be 0"),
        ("nadam", {"momentum_decay": 0.0}, "rate is 0.0, but must be above 0"),
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
