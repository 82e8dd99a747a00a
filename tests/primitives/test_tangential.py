"""Directions lose the component along parameters that look invariant to their scale."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import optax_zoo as zoo

P = jax.random.normal(jax.random.key(0), (4, 3))
U = jax.random.normal(jax.random.key(1), (4, 3))
NORMAL = jnp.stack([P[1], -P[0], P[3], -P[2]])  # of the columns of P


def apply(tx, u, g, p):
    return tx.update(u, tx.init(p), p, gradient=g)[0]


def along(x, y, axis=None):
    return np.asarray(jnp.sum(x * y, axis=axis))


def test_channels_without_a_component_in_the_gradient_lose_it_in_the_direction():
    made = apply(zoo.tangential(), U, NORMAL, P)
    np.testing.assert_allclose(along(made, P, axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(made, U - P * along(U, P, axis=0) / along(P, P, axis=0), rtol=1e-5)
    assert along(made, P, axis=1).any() and repr(zoo.tangential(0.2)) == "tangential(0.2)"
    first = apply(zoo.tangential(outputs="first"), U.T, NORMAL.T, P.T)
    chex.assert_trees_all_close(first.T, made, rtol=1e-5)


def test_a_leaf_loses_it_as_a_whole_where_single_channels_have_it():
    g = P * jnp.array([1.0, -1.0, 0.0])
    g = g + P * jnp.array([0.0, 0.0, 1.0]) * -along(g, P) / along(P[:, 2], P[:, 2])
    made = apply(zoo.tangential(), U, g, P)
    np.testing.assert_allclose(made, U - P * along(U, P) / along(P, P), rtol=1e-4)


def test_other_leaves_are_left_alone():
    for leaf in (P[0], jnp.float32(2.0), jnp.ones((0, 3))):
        chex.assert_trees_all_equal(apply(zoo.tangential(), leaf, 2 * leaf, leaf), leaf)
    chex.assert_trees_all_equal(apply(zoo.tangential(), U, P, P), U)
    chex.assert_trees_all_equal(apply(zoo.tangential(0.0), U, NORMAL, P), U)
    assert jnp.isfinite(apply(zoo.tangential(eps=0.0), U, NORMAL, 0 * P)).all()


def test_the_decay_has_a_share_where_the_component_is_lost():
    tx = zoo.tangential(decay=zoo.coupled_decay(0.5), decay_share=0.1)
    plain = apply(zoo.tangential(), U, NORMAL, P)
    chex.assert_trees_all_close(apply(tx, U, NORMAL, P), plain + 0.05 * P, rtol=1e-5)
    chex.assert_trees_all_close(apply(tx, U, P, P), U + 0.5 * P, rtol=1e-6)


def test_the_size_of_the_gradient_does_not_matter():
    for size in (1e-15, 1e18):
        found = apply(zoo.tangential(eps=0.0), U, size * NORMAL, P)
        chex.assert_trees_all_close(found, apply(zoo.tangential(eps=0.0), U, NORMAL, P), rtol=1e-5)


def test_stacked_layers_are_looked_at_one_by_one():
    u, g, p = jnp.stack([U, 2 * U]), jnp.stack([NORMAL, P]), jnp.stack([P, P])
    expected = jnp.stack([apply(zoo.tangential(), *layer) for layer in zip(u, g, p, strict=True)])
    chex.assert_trees_all_close(apply(zoo.tangential(stacked=1), u, g, p), expected, rtol=1e-6)
    turned = [jnp.moveaxis(x, 0, 1) for x in (u, g, p)]
    found = apply(zoo.tangential(stacked=lambda path, leaf: (1,)), *turned)
    chex.assert_trees_all_close(jnp.moveaxis(found, 1, 0), expected, rtol=1e-6)


def test_it_needs_the_gradient_and_numbers_in_their_ranges():
    with pytest.raises(TypeError, match="tangential needs the gradient"):
        apply(zoo.tangential(), U, None, P)
    with pytest.raises(ValueError, match=r"delta is -1\.0, but must be at least 0"):
        zoo.tangential(-1.0)
    with pytest.raises(ValueError, match="outputs is 'lasst', but must be one of 'first', 'last'"):
        zoo.tangential(outputs="lasst")
