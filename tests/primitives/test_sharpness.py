"""Gradients of a point nearby, beside `optax.contrib.sam`."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib
import pytest

import optax_zoo as zoo

PARAMS = {"w": jnp.array([1.0, -2.0, 0.5]), "b": jnp.array([[3.0]])}


def loss(params):
    return sum(jnp.sum(jnp.cos(p) + p**2) for p in jax.tree.leaves(params))


def steps(tx, count):
    """State and parameters after each step."""
    params, state, found = PARAMS, tx.init(PARAMS), []
    for _ in range(count):
        updates, state = tx.update(jax.grad(loss)(params), state, params)
        params = optax.apply_updates(params, updates)
        found.append((state, params))
    return found


@pytest.mark.parametrize("make", [lambda: optax.sgd(0.1, momentum=0.9), lambda: optax.adam(0.1)], ids=["sgd", "adam"])
def test_it_takes_the_turns_of_optax(make):
    climb = optax.chain(optax.contrib.normalize(), optax.sgd(0.05))
    theirs = optax.contrib.sam(make(), climb, sync_period=2)
    for (_, ours), (_, params) in zip(steps(zoo.sharpness_aware(make()), 8), steps(theirs, 8), strict=True):
        chex.assert_trees_all_close(ours, params, rtol=1e-5, atol=1e-6)


def test_the_parameters_to_evaluate_with_are_those_climbed_from():
    tx = zoo.sharpness_aware(zoo.adam(0.1), rho=0.5)
    found = steps(tx, 6)
    below = PARAMS
    for t, (state, params) in enumerate(found):
        if t % 2 == 0:
            chex.assert_trees_all_close(zoo.evaluation_params(tx, state, params), below, rtol=1e-6)
            climbed = jax.tree.map(jnp.subtract, params, below)
            assert sum(jnp.sum(x**2) for x in jax.tree.leaves(climbed)) == pytest.approx(0.25, rel=1e-5)
        else:
            below = params
            chex.assert_trees_all_equal(zoo.evaluation_params(tx, state, params), params)


def test_what_is_adaptive_goes_farther_where_parameters_are_larger():
    tx = zoo.sharpness_aware(zoo.sgd(0.1), rho=0.5, adaptive=True, eps=0.0)
    updates, _ = tx.update(PARAMS, tx.init(PARAMS), PARAMS)
    norm = np.sqrt(sum(np.sum(np.square(np.square(p))) for p in jax.tree.leaves(PARAMS)))
    chex.assert_trees_all_close(updates, jax.tree.map(lambda p: 0.5 * p**3 / norm, PARAMS), rtol=1e-5)


def test_it_needs_what_the_optimizer_needs():
    assert zoo.sharpness_aware(zoo.sgd(0.1)).needs == ("params",)
    assert zoo.sharpness_aware(zoo.eve()).needs == ("params", "value")
    with pytest.raises(ValueError, match="rho is -1, but must be at least 0"):
        zoo.sharpness_aware(zoo.sgd(), rho=-1)
