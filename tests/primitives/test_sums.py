"""Sums of estimates: a weight that is an estimate, too."""

import chex
import jax
import jax.numpy as jnp
import pytest

import optax_zoo as zoo


def test_an_estimate_weighs_each_element():
    """Here its average size, as the steps before have made it."""
    part = zoo.scaled(zoo.ema(0.5, of=zoo.absolute), zoo.identity)
    params = {"w": jnp.array([1.0, -2.0]), "b": jnp.array([0.5])}
    state = part.init(params)
    average = jax.tree.map(jnp.zeros_like, params)
    for factor in (1.0, -3.0):
        g = jax.tree.map(lambda p, factor=factor: factor * p, params)
        average = jax.tree.map(lambda a, g: 0.5 * a + 0.5 * jnp.abs(g), average, g)
        made, state = part.update(g, state)
        chex.assert_trees_all_close(made, jax.tree.map(jnp.multiply, average, g))
    chex.assert_trees_all_close(state.weight.value, average)
    assert repr(part) == "scaled(ema(0.5, of=absolute), identity)" and part.rule.by_leaf


def test_a_weight_that_is_no_number_is_refused():
    with pytest.raises(TypeError, match="weight is 'a', but must be a number finite"):
        zoo.scaled("a", zoo.identity)
