"""Leaves times the signal-to-noise ratio of their first update, and a rate that falls."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import optax_zoo as zoo

X = jax.random.normal(jax.random.key(0), (4, 3))


def apply(tx, *updates):
    state = tx.init(updates[0])
    for x in updates:
        made, state = tx.update(x, state)
    return made


def ratio(x):
    return np.linalg.norm(x) / np.std(x, ddof=1)


def test_the_ratio_is_that_of_the_first_update():
    tx = zoo.scale_by_first_snr()
    np.testing.assert_allclose(apply(tx, X), X * ratio(X), rtol=1e-5)
    np.testing.assert_allclose(apply(tx, X, X[::-1] + 1, 2 * X), 2 * X * ratio(X), rtol=1e-5)
    np.testing.assert_allclose(
        apply(zoo.scale_by_first_snr(eps=0.5), X)[0] / X[0], ratio(X) / (1 + 0.5 / X.std(ddof=1)), 1e-5
    )


def test_leaves_without_deviation_are_multiplied_by_their_norm():
    np.testing.assert_allclose(apply(zoo.scale_by_first_snr(), jnp.float32(-3.0)), -9.0)
    np.testing.assert_allclose(apply(zoo.scale_by_first_snr(), jnp.full((4,), 2.0)), np.full(4, 8.0))
    chex.assert_trees_all_equal(apply(zoo.scale_by_first_snr(), jnp.zeros(3), jnp.ones(3)), jnp.zeros(3))


def test_updates_of_any_size_have_the_same_ratio():
    for size in (1e-25, 1e20):
        np.testing.assert_allclose(apply(zoo.scale_by_first_snr(eps=0.0), size * X) / size, X * ratio(X), rtol=1e-4)


def test_stacked_layers_have_ratios_of_their_own():
    layers = jnp.stack([X, X**2])
    found = apply(zoo.scale_by_first_snr(stacked=1), layers)
    np.testing.assert_allclose(found, np.stack([X * ratio(X), X**2 * ratio(X**2)]), rtol=1e-5)


def test_a_rate_falls_as_a_power():
    falling = zoo.falling_rate(0.5, 0.1, 0.75)
    np.testing.assert_allclose(falling(jnp.int32(8)), 0.5 / (1 + 0.1 * 0.5 * 8) ** 0.75, rtol=1e-6)
    np.testing.assert_allclose(zoo.falling_rate(falling, 0.0)(jnp.int32(8)), falling(jnp.int32(8)), rtol=1e-6)
    assert repr(falling) == "falling_rate(0.5, 0.1)"
    with pytest.raises(ValueError, match="power is -1, but must be at least 0"):
        zoo.falling_rate(0.5, power=-1)


def test_asgd_is_evaluated_at_the_mean_of_its_parameters():
    tx, params, seen = zoo.asgd(0.1, begin=2), X, []
    state = tx.init(params)
    for _ in range(5):
        updates, state = tx.update(jnp.cos(params), state, params)
        params = optax.apply_updates(params, updates)
        seen.append(params)
    np.testing.assert_allclose(zoo.evaluation_params(tx, state, params), np.mean(seen[2:], axis=0), rtol=1e-6)
