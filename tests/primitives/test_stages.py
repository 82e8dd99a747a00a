"""The primitives that stand in the other slots, alone and inside `optax.chain`."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import optax_zoo as zoo


def apply(tx, updates, params=None, **extra_args):
    return tx.update(updates, tx.init(updates if params is None else params), params, **extra_args)[0]


def test_scale_by_ema_is_a_debiased_average_unless_told_otherwise():
    assert repr(zoo.scale_by_ema(0.9)) == "debiased(ema(0.9))"
    assert repr(zoo.scale_by_ema(0.9, debias=False, nesterov=True)) == "ema(0.9, nesterov=True)"


def test_primitives_chain_to_expectigrad(params, grads, run):
    chained = optax.chain(
        zoo.scale_by_arithmetic_rms(sparse=True), zoo.scale_by_ema(0.9), optax.scale_by_learning_rate(0.01)
    )
    chex.assert_trees_all_close(run(chained, params, grads)[0], run(zoo.expectigrad(0.01), params, grads)[0], rtol=1e-6)


@pytest.mark.parametrize("decay", [zoo.growing_decay(0.9), zoo.warming_decay(0.9)])
def test_decays_have_reached_their_limit_when_the_counter_has(decay):
    assert decay(jnp.int32(2**31 - 1)) == pytest.approx(0.9)


@pytest.mark.parametrize(
    "part",
    [
        zoo.ema(0.9),
        zoo.trace(0.9),
        zoo.total(of=zoo.square),
        zoo.peak(0.9, of=zoo.absolute),
        zoo.arithmetic_mean(of=zoo.square, sparse=True),
        zoo.running_max(zoo.ema(0.9, of=zoo.square)),
        zoo.root(zoo.debiased(zoo.ema(0.9, of=zoo.square))),
        zoo.deviation(zoo.ema(0.9), zoo.ema(0.9, of=zoo.square)),
        zoo.scale_by_arithmetic_rms(),
        zoo.normalize_by_norm("l2"),
        zoo.clip_by_norm("max", 1.0),
        zoo.damp_by_max(),
        zoo.scale_by_sign(),
        zoo.difference(),
        zoo.parallel(fast=zoo.ema(0.9), slow=zoo.scaled(2.0, zoo.ema(0.99))),
        zoo.rectified(zoo.root(zoo.debiased(zoo.ema(0.9, of=zoo.square))), 0.9),
        zoo.coupled_decay(0.1),
        zoo.serial(clip=zoo.clip_by_norm("l2", 1.0), trace=zoo.trace(0.9)),
    ],
    ids=repr,
)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_every_part_stands_alone_in_a_chain(part, dtype, params, grads):
    params, grads = (jax.tree.map(lambda x: x.astype(dtype), tree) for tree in (params, grads))
    tx = optax.chain(part, optax.scale_by_learning_rate(0.1))
    state = tx.init(params)
    updates, after = jax.jit(tx.update)(grads, state, params)
    chex.assert_trees_all_equal_shapes_and_dtypes(after, state)
    chex.assert_trees_all_equal_shapes_and_dtypes(updates, grads)
    chex.assert_tree_all_finite(updates)


def test_coupled_decay_adds_to_the_gradient(params, grads):
    expected = jax.tree.map(lambda g, p: g + 0.1 * p, grads, params)
    chex.assert_trees_all_close(apply(zoo.coupled_decay(0.1), grads, params), expected)


@pytest.mark.parametrize("mask", [{"w": True, "b": False, "s": False}, lambda p: jax.tree.map(lambda x: x.ndim > 1, p)])
def test_masks_choose_what_decays(mask, params, grads):
    coupled = apply(zoo.coupled_decay(0.1, mask), grads, params)
    chex.assert_trees_all_close(coupled["w"], grads["w"] + 0.1 * params["w"])
    decoupled = apply(zoo.decoupled_decay(0.1, mask), grads, params, learning_rate=0.5)
    chex.assert_trees_all_close(decoupled["w"], grads["w"] - 0.05 * params["w"])
    for leaf in ("b", "s"):
        chex.assert_trees_all_equal(coupled[leaf], grads[leaf])
        chex.assert_trees_all_equal(decoupled[leaf], grads[leaf])
    tx = zoo.adamw(weight_decay_mask=mask)
    assert tx.needs == ("params",)
    chex.assert_tree_all_finite(apply(tx, grads, params))


def test_a_mask_function_that_was_taken_for_a_schedule_is_refused(params):
    """optax.inject_hyperparams calls every function with the step count; weight decay would end silently."""
    tx = optax.inject_hyperparams(zoo.adamw)(
        0.1, weight_decay_mask=lambda tree: jax.tree.map(lambda p: p.ndim > 1, tree)
    )
    with pytest.raises(TypeError, match="name its argument in static_args"):
        tx.init(params)


def test_decoupled_decay_in_a_chain_takes_the_rate_as_an_argument(params, grads):
    tx = optax.chain(optax.scale_by_learning_rate(0.5), zoo.decoupled_decay(0.1))
    with pytest.raises(TypeError, match=r"call update\(updates, state, params, learning_rate=...\)"):
        apply(tx, grads, params)
    expected = jax.tree.map(lambda g, p: -0.5 * g - 0.05 * p, grads, params)
    chex.assert_trees_all_close(apply(tx, grads, params, learning_rate=0.5), expected, rtol=1e-6)


def test_the_new_parameters_decay_where_asked_for(params, grads):
    plain, rate, coefficient = zoo.adam(0.1), 0.1, 0.5
    tx = plain.replace(decay=zoo.decoupled_decay(coefficient, {"w": True, "b": True, "s": False}, of_new=True))
    assert "decoupled_decay(0.5, mask, of_new=True)" in repr(tx)
    step, decayed = apply(plain, grads, params), apply(tx, grads, params)
    for leaf in ("w", "b"):
        new = params[leaf] + step[leaf]
        np.testing.assert_allclose(params[leaf] + decayed[leaf], new - rate * coefficient * new, rtol=1e-6)
    chex.assert_trees_all_equal(decayed["s"], step["s"])


def test_proximal_decay_is_of_the_parameters_at_the_end_of_the_step(params, grads):
    plain, rate, coefficient = zoo.adam(0.1), 0.1, 0.5
    tx = plain.replace(decay=zoo.proximal_decay(coefficient, {"w": True, "b": True, "s": False}))
    assert "proximal_decay(0.5, mask)" in repr(tx) and tx.needs == ("params",)
    step, decayed = apply(plain, grads, params), apply(tx, grads, params)
    for leaf in ("w", "b"):
        end = params[leaf] + decayed[leaf]
        np.testing.assert_allclose(end, (params[leaf] + step[leaf]) / (1 + rate * coefficient), rtol=1e-6)
        np.testing.assert_allclose(end, params[leaf] + step[leaf] - rate * coefficient * end, rtol=1e-6)
    chex.assert_trees_all_equal(decayed["s"], step["s"])
    with pytest.raises(TypeError, match="proximal_decay needs the learning rate"):
        apply(zoo.proximal_decay(0.1), grads, params)


def test_damping_shrinks_by_the_square_of_element_times_largest():
    g = jnp.array([0.1, -2.0, 1.0])
    np.testing.assert_allclose(apply(zoo.damp_by_max(), g), g / (1 + (g * 2.0) ** 2), rtol=1e-6)
    huge = jnp.array([1e30, -1.0])
    np.testing.assert_array_equal(apply(zoo.damp_by_max(), huge), 0.0)


def test_signs_of_real_and_complex_updates():
    np.testing.assert_array_equal(apply(zoo.scale_by_sign(), jnp.array([-3.0, 0.0, 1e-30])), [-1.0, 0.0, 1.0])
    np.testing.assert_allclose(apply(zoo.scale_by_sign(), jnp.array([3 + 4j, 0.0])), [0.6 + 0.8j, 0.0], rtol=1e-6)


def test_random_starts_follow_the_key(params):
    velocity = lambda **kw: zoo.gravity(0.1, alpha=0.02, **kw).init(params)["momentum"].value  # noqa: E731
    seeds = [velocity(), velocity(key=0), velocity(key=jax.random.key(0)), velocity(key=jax.random.PRNGKey(0))]
    for other in seeds[1:]:
        chex.assert_trees_all_equal(seeds[0], other)
    assert not np.allclose(velocity(key=1)["w"], seeds[0]["w"])
    assert not np.allclose(seeds[0]["w"].ravel()[:3], seeds[0]["b"])
    many = zoo.gravity(0.1, alpha=0.02).init(jnp.zeros(100_000))["momentum"].value
    np.testing.assert_allclose([jnp.mean(many), jnp.std(many)], [0.0, 0.2], atol=0.003)


def test_gravity_without_alpha_starts_at_rest_and_schedules_use_their_first_rate(params):
    still = zoo.gravity(0.1, alpha=0.0).init(params)["momentum"].value
    chex.assert_trees_all_equal(still, jax.tree.map(jnp.zeros_like, params))
    scheduled = zoo.gravity(optax.linear_schedule(0.1, 0.0, 10)).init(params)["momentum"].value
    chex.assert_trees_all_close(scheduled, zoo.gravity(0.1).init(params)["momentum"].value)


def test_serial_has_state_by_name(params, grads):
    tx = zoo.serial(clip=zoo.clip_by_norm("l2", 1.0), trace=zoo.trace(0.5))
    state = tx.update(grads, tx.init(params))[1]
    assert set(state) == {"clip", "trace"}
    chex.assert_trees_all_equal_shapes(state["trace"].value, params)
