"""How near the parameters of each wrapper are to those of the same optimizer in float32."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import optax_zoo as zoo
from optax_zoo import precision

TYPES = ["bfloat16", "float8_e4m3fn", *(pytest.param(x, marks=pytest.mark.slow) for x in ("float16", "float8_e5m2"))]
ADAMW = zoo.adamw(0.05, weight_decay=0.1)
MASTER, KAHAN = precision.with_master_weights(ADAMW), precision.with_kahan_summation(optax.sgd(0.01))


@functools.cache
def stepper(tx):
    """A compiled step, with `optax.apply_updates` where that knows the type."""

    @jax.jit
    def step(params, state, g):
        updates, state = tx.update(g, state, params)
        add = optax.apply_updates if jnp.finfo(params.dtype).bits > 8 else precision.apply_updates
        return add(params, updates), state

    return step


def trajectory(tx, params, grads):
    """Parameters and state after each step."""
    state, found = tx.init(params), []
    for g in grads:
        params, state = stepper(tx)(params, state, g)
        found.append((params, state))
    return found


@st.composite
def problems(draw):
    """Parameters and gradients of a few steps, of sizes from 2^-6 to 2^2 of either sign."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return [rng.normal(size=8) * 2.0 ** rng.integers(-6, 3, size=8) for _ in range(5)]


@pytest.mark.parametrize("dtype", TYPES)
@settings(deadline=None, max_examples=20)
@given(problem=problems())
def test_master_weights_are_those_of_float32_and_parameters_the_nearest_to_them(dtype, problem):
    start, *grads = (jnp.asarray(each, dtype) for each in problem)
    exact = trajectory(ADAMW, start.astype(jnp.float32), [g.astype(jnp.float32) for g in grads])
    for (p, state), (e, _) in zip(trajectory(MASTER, start, grads), exact, strict=True):
        chex.assert_trees_all_equal(state.master, e)
        chex.assert_trees_all_equal(p, e.astype(dtype))


@settings(deadline=None, max_examples=20)
@given(problem=problems())
def test_a_compensated_sum_has_16_bits(problem):
    start, *grads = (jnp.asarray(each, jnp.bfloat16) for each in problem)
    exact, bound = start.astype(jnp.float32), 0.0
    found = trajectory(KAHAN, start, grads)
    for (p, state), g in zip(found, grads, strict=True):
        exact = exact - 0.01 * g.astype(jnp.float32)
        bound += 2.0**-16 * np.abs(exact)
        np.testing.assert_array_less(np.abs(p.astype(jnp.float32) + state.compensation - exact), bound + 1e-12)
        assert (jnp.abs(state.compensation) <= 2.0**-8 * jnp.abs(p)).all()


def test_rounding_by_chance_is_unbiased_and_its_trajectory_that_of_its_key():
    params = jnp.full(2**16, 1.0, jnp.bfloat16)
    grads = [jnp.ones_like(params)] * 8
    rate = 2.0**-12  # a sixteenth of the distance to the next number below 1

    def run(key):
        return trajectory(precision.with_stochastic_rounding(optax.sgd(rate), key), params, grads)[-1][0]

    first, again, other = run(0), run(jax.random.key(0)), run(1)
    chex.assert_trees_all_equal(first, again)
    assert not (first == other).all()
    moved = (1 - first.astype(jnp.float32)) * 2**8
    deviation = (8 / 16 * 15 / 16 / first.size) ** 0.5  # of the mean of that many sums of 8 draws
    assert abs(float(moved.mean()) - 8 / 16) < 5 * deviation
    assert abs(float(moved.var()) / (8 / 16 * 15 / 16) - 1) < 0.05  # draws of one step know nothing of those before


def test_leaves_are_rounded_by_bits_of_their_own_and_types_of_keys_are_kept():
    params = {"a": jnp.ones(256, jnp.bfloat16), "b": jnp.ones(256, jnp.bfloat16)}
    key = jax.random.key(0, impl="rbg")
    tx = precision.with_stochastic_rounding(optax.sgd(2.0**-9), key)
    state = tx.init(params)
    updates, after = jax.jit(tx.update)(params, state, params)
    assert not (updates["a"] == updates["b"]).all()
    assert after.key.shape == state.key.shape == jax.random.key_data(key).shape


def test_second_moments_in_float32_do_not_stick():
    params, tx = jnp.ones(2, jnp.bfloat16), optax.scale_by_adam()
    fixed = precision.float32_statistics(tx)

    def last(tx):
        def step(state, _):
            return tx.update(jnp.ones_like(params), state, params)[1], None

        return jax.lax.scan(step, tx.init(params), None, 3000)[0].nu

    np.testing.assert_allclose(last(tx).astype(jnp.float32), 0.5, rtol=0.01)  # though all squares are 1
    np.testing.assert_allclose(last(fixed), 1 - 0.999**3000, rtol=1e-4)
