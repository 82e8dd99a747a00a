"""States in 8 and 16 bits: what is stored so and what is not, where it lies on a mesh, and what becomes of training."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import optax_zoo as zoo
from optax_zoo.conformance.devices import collectives
from optax_zoo.conformance.sharding import state_sharding
from optax_zoo.precision import (
    Quantized,
    dequantized,
    with_kahan_summation,
    with_master_weights,
    with_quantized_state,
)

DTYPES = ["int8", "float8_e4m3fn", "bfloat16"]


def is_quantized(node):
    return isinstance(node, Quantized)


def quantized(state):
    return [node for node in jax.tree.leaves(state, is_leaf=is_quantized) if is_quantized(node)]


@pytest.mark.parametrize("dtype, most", [("int8", 2.2), ("float8_e4m3fn", 2.2), ("bfloat16", 4.001)])
def test_bytes_of_adam(dtype, most):
    params = [jax.ShapeDtypeStruct(shape, "float32") for shape in ((768, 3072), (50257, 768))]
    state = jax.eval_shape(with_quantized_state(zoo.adam(1e-3), dtype).init, params)
    sizes = [x.size * x.dtype.itemsize for x in jax.tree.leaves(state)]
    assert sum(sizes) / sum(p.size for p in params) <= most


def test_small_leaves_scalars_and_other_types_stay():
    params = {
        "large": jnp.ones((64, 64)),
        "small": jnp.ones((63, 65)),
        "half": jnp.ones((64, 64), "float16"),
        "complex": jnp.ones((64, 64), "complex64"),
        "integers": jnp.ones((64, 64), "int32"),
        "scalar": jnp.float32(1.0),
        "empty": jnp.ones((0, 4)),
        "none": None,
        "masked": optax.MaskedNode(),
    }

    def copies(params):
        return jax.tree.map(jnp.zeros_like, params)

    tx = optax.GradientTransformation(copies, lambda updates, state, params=None: (updates, state))
    for dtype, found in (("int8", {"large", "half"}), ("bfloat16", {"large"})):
        wrapped = with_quantized_state(tx, dtype)
        state = wrapped.init(params)
        for _ in range(2):
            assert {name for name, node in state.inner.items() if is_quantized(node)} == found
            jax.tree.map(np.testing.assert_array_equal, dequantized(state), copies(params))
            _, state = wrapped.update(params, state)


@pytest.mark.parametrize(
    "make, arrays",
    [
        (lambda: zoo.adam(0.1), 2),
        (lambda: optax.adam(0.1), 2),
        (lambda: zoo.lookahead(zoo.adam(0.1)), 2),  # and the slow parameters
        (lambda: zoo.schedule_free_adamw(0.1), 1),  # and where steps are taken
        (lambda: optax.contrib.schedule_free_adamw(0.1, b1=0.9), 1),
        (lambda: optax.contrib.prodigy(), 3),  # and where it began
        (lambda: zoo.averaged(zoo.adam(0.1)), 2),  # and the average
        (lambda: with_master_weights(zoo.adam(0.1)), 2),  # and the exact parameters
        (lambda: with_kahan_summation(zoo.averaged(zoo.adam(0.1))), 2),  # and what parameters lack
        (lambda: optax.chain(optax.clip_by_global_norm(1.0), optax.trace(0.9)), 1),
    ],
)
def test_arrays_that_hold_parameters_stay(make, arrays):
    params = jnp.ones((64, 64), "bfloat16")
    tx = with_quantized_state(make())
    state = jax.eval_shape(tx.init, params)
    assert len(quantized(state)) == arrays
    read = jax.eval_shape(dequantized, state)
    assert jax.tree.structure(read) == jax.tree.structure(jax.eval_shape(make().init, params))


def quadratic(tx, steps=200):
    """The loss of a noisy quadratic at the end, with curvatures from 0.01 to 1."""
    curvature = jnp.logspace(-2, 0, 64 * 64).reshape(64, 64)

    def step(carry, key):
        params, state = carry
        grads = curvature * params + 0.1 * jax.random.normal(key, params.shape)
        updates, state = tx.update(grads, state, params)
        return (optax.apply_updates(params, updates), state), None

    @jax.jit
    def train():
        params = jnp.ones((64, 64))
        (params, _), _ = jax.lax.scan(step, (params, tx.init(params)), jax.random.split(jax.random.key(0), steps))
        return jnp.sum(curvature * params**2)

    return float(train())


@functools.cache
def in_float32():
    return quadratic(zoo.adam(0.01))


@pytest.mark.parametrize(
    "dtype, key, most",
    [
        ("int8", None, 0.005),
        ("int8", 0, 0.002),
        ("int8", jax.random.key(1, impl="rbg"), 0.002),
        ("bfloat16", None, 0.005),
        ("bfloat16", 0, 0.002),
        ("float8_e4m3fn", 0, 0.02),  # to the nearest it is 5 %
    ],
)
def test_adam_gets_as_far(dtype, key, most):
    found = quadratic(with_quantized_state(zoo.adam(0.01), dtype, key=key))
    assert abs(found / in_float32() - 1) < most


def test_a_slow_average_stands_still_unless_chance_rounds_it():
    target = jnp.full((64, 64), 0.5).at[0, 0].set(1.0)
    found = {}
    for key in (None, 0):
        tx = with_quantized_state(zoo.ema(0.999), "bfloat16", key=key)
        state, _ = jax.lax.scan(lambda s, _, tx=tx: (tx.update(target, s)[1], None), tx.init(target), length=2000)
        found[key] = float(jnp.mean(dequantized(state).value / target))
    exact = 1 - 0.999**2000
    assert found[None] < 0.6 * exact
    assert abs(found[0] / exact - 1) < 0.01


def test_a_key_makes_the_trajectory():
    params = jnp.linspace(-1.0, 1.0, 4096).reshape(64, 64)

    def state_after(key, steps=2):
        tx = with_quantized_state(zoo.adam(0.1), key=key)
        state = tx.init(params)
        for _ in range(steps):
            _, state = tx.update(params, state)
        return state

    same, again, other = state_after(0), state_after(jax.random.key(0)), state_after(1)
    jax.tree.map(np.testing.assert_array_equal, same, again)
    assert any((one.codes != two.codes).any() for one, two in zip(quantized(same), quantized(other), strict=True))
    assert (state_after(0, 1).key != same.key).any()


def laid_out(mesh, spec, shape):
    return jax.ShapeDtypeStruct(shape, jnp.float32, sharding=NamedSharding(mesh, spec))


@pytest.mark.parametrize("dtype", DTYPES)
def test_blocks_do_not_cross_devices(dtype):
    mesh = jax.make_mesh((4, 2), ("data", "model"), axis_types=(AxisType.Auto,) * 2)
    params = {
        "both": laid_out(mesh, P("data", "model"), (128, 192)),
        "rows": laid_out(mesh, P(("data", "model")), (256, 24)),
        "stacked": laid_out(mesh, P(None, "model", "data"), (3, 64, 64)),
        "layers": laid_out(mesh, P("data"), (8, 32, 32)),
    }
    tx = with_quantized_state(zoo.adam(1e-3), dtype, key=0)
    shardings = jax.tree.map(lambda p: p.sharding, params)
    of_state = state_sharding(tx, params, shardings)
    state = jax.eval_shape(tx.init, params)
    placed = jax.tree.map(lambda x, s: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=s), state, of_state)
    for node, sharding in zip(quantized(placed), quantized(of_state), strict=True):
        if dtype != "bfloat16":
            assert sharding.scales.is_equivalent_to(sharding.codes, node.codes.ndim)
    program = jax.jit(tx.update, out_shardings=(shardings, of_state)).lower(params, placed, params).compile()
    assert not collectives(program.as_text())
    found = jax.jit(tx.update).lower(params, placed, params).compile().output_shardings[1]
    for sharding, expected, node in zip(*map(jax.tree.leaves, (found, of_state, state)), strict=True):
        assert sharding.is_equivalent_to(expected, node.ndim)


def test_steps_on_a_mesh_are_those_of_one_device():
    mesh = jax.make_mesh((4, 2), ("data", "model"), axis_types=(AxisType.Auto,) * 2)
    shape = (128, 64)
    tx = with_quantized_state(zoo.adam(1e-3), key=0)
    params, grads = jnp.ones(shape), jnp.asarray(np.random.default_rng(0).normal(size=shape), "float32")
    sharding = NamedSharding(mesh, P("data", "model"))
    of_state = state_sharding(tx, params, sharding)
    alone, spread = tx.init(params), jax.jit(tx.init, out_shardings=of_state)(jax.device_put(params, sharding))
    for _ in range(2):
        _, alone = jax.jit(tx.update)(grads, alone)
        _, spread = jax.jit(tx.update)(jax.device_put(grads, sharding), spread)
    jax.tree.map(np.testing.assert_array_equal, spread, alone)


def test_steps_are_donated_and_the_state_is_what_it_was():
    params = {"w": jnp.ones((64, 64)), "b": jnp.ones(3)}
    tx = optax.chain(optax.clip_by_global_norm(1.0), with_quantized_state(optax.adam(1e-3), key=3))
    state = jax.jit(tx.init)(params)
    before = jax.eval_shape(tx.init, params)
    _, after = jax.jit(tx.update, donate_argnums=1)(params, state, params)
    assert all(x.is_deleted() for x in jax.tree.leaves(state))
    assert jax.tree.map(lambda x: (x.shape, x.dtype), after) == jax.tree.map(lambda x: (x.shape, x.dtype), before)


def test_what_it_takes_is_checked():
    tx = zoo.adam(1e-3)
    for wrong, message in [
        (dict(dtype="int4"), r"dtype is 'int4', but must be one of 'int8', 'float8_e4m3fn', 'bfloat16'"),
        (dict(block_size=100), "block_size is 100, but must be a power of 2, at least 16"),
        (dict(block_size=8), "block_size is 8, but must be a whole number at least 16"),
        (dict(min_size=-1), "min_size is -1, but must be a whole number at least 0"),
    ]:
        with pytest.raises(ValueError, match=message):
            with_quantized_state(tx, **wrong)
    with pytest.raises(TypeError, match=r"key is 'a', but must be a jax\.random\.key"):
        with_quantized_state(tx, key="a")
    with pytest.raises(TypeError, match=r"tx is .*, but must be an optax\.GradientTransformation"):
        with_quantized_state(zoo.adam)
    twice = with_quantized_state(optax.chain(with_quantized_state(tx), optax.trace(0.9)))
    with pytest.raises(ValueError, match=r"tx has a quantized state already: .* around it once"):
        twice.init(jnp.ones((64, 64)))


def test_it_prints_as_it_is_written():
    assert str(with_quantized_state(zoo.sgd(0.1))) == "with_quantized_state(pipeline(learning_rate=0.1))"
    found = with_quantized_state(zoo.sgd(0.1), "bfloat16", min_size=0, key=jax.random.key(0))
    assert str(found) == "with_quantized_state(pipeline(learning_rate=0.1), 'bfloat16', min_size=0, key=key)"
    assert with_quantized_state(zoo.adamw(0.1, weight_decay=0.1)).needs == ("params",)
