"""What goes against the gradient is left out of a step."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import PartitionSpec as P

import optax_zoo as zoo

U = jnp.array([1.0, -2.0, 3.0, -4.0, 0.0])
G = jnp.array([0.5, -0.1, -3.0, 0.0, 1.0])


def apply(tx, updates, **extra_args):
    return tx.update(updates, tx.init(updates), **extra_args)[0]


def test_what_has_the_sign_of_the_gradient_stays_and_is_divided_by_its_share():
    np.testing.assert_allclose(apply(zoo.cautious(), U, gradient=G), [1.0 / 0.4, -2.0 / 0.4, 0, 0, 0], rtol=1e-6)
    assert repr(zoo.cautious()) == "cautious()" and repr(zoo.cautious(0.5)) == "cautious(0.5)"


def test_shares_are_of_leaves_and_at_least_so_large():
    two = {"a": U, "b": jnp.ones(4), "none": jnp.ones(3), "empty": jnp.ones((0, 2)), "number": jnp.float32(2.0)}
    g = {**two, "a": G, "none": -jnp.ones(3)}
    found = apply(zoo.cautious(), two, gradient=g)
    chex.assert_trees_all_equal({**found, "a": 0}, {**two, "a": 0, "none": jnp.zeros(3)})
    np.testing.assert_allclose(apply(zoo.cautious(0.8), U, gradient=G), [1.25, -2.5, 0, 0, 0], rtol=1e-6)


def test_in_the_paper_one_element_more_is_counted():
    np.testing.assert_allclose(apply(zoo.cautious(None), U, gradient=G), [5 / 3, -10 / 3, 0, 0, 0], rtol=1e-6)
    empty = jnp.ones((0, 2))
    assert apply(zoo.cautious(None), empty, gradient=empty).shape == (0, 2)


def test_an_element_can_take_the_sign_of_the_gradient():
    np.testing.assert_array_equal(apply(zoo.signed_by_gradient(), U, gradient=G), [1.0, -2.0, -3.0, 0.0, 0.0])
    u, g = jnp.array([3 + 4j, 1j]), jnp.array([0 - 2j, 0])
    np.testing.assert_allclose(apply(zoo.signed_by_gradient(), u, gradient=g), [-5j, 0], rtol=1e-6)
    with pytest.raises(TypeError, match="signed_by_gradient needs the gradient"):
        apply(zoo.signed_by_gradient(), U)


def test_signs_are_those_of_numbers_whose_product_vanishes():
    u, g = jnp.array([1e-30, -1e-30]), jnp.array([1e-30, 1e-30])
    np.testing.assert_allclose(apply(zoo.cautious(), u, gradient=g), [2e-30, 0.0], rtol=1e-6)


def test_complex_numbers_stay_where_they_have_a_component_along_the_gradient():
    u = jnp.array([1 + 1j, -1 + 0.5j, 2j, 3j])
    g = jnp.array([1 + 0j, 1 + 1j, 1j, 1 + 0j])
    np.testing.assert_allclose(apply(zoo.cautious(), u, gradient=g), [2 + 2j, 0, 4j, 0], rtol=1e-6)


def test_nan_is_handed_on():
    found = apply(zoo.cautious(), U.at[0].set(jnp.nan), gradient=G)
    assert jnp.isnan(found[0])


def test_the_gradient_is_the_one_that_left_its_slot(params, grads):
    flipped = optax.scale(-1.0)
    tx = zoo.pipeline(gradient=flipped, rescale=zoo.cautious(), learning_rate=0.5)
    updates, _ = tx.update(grads, tx.init(params), params)
    expected = jax.tree.map(lambda g: 0.5 * g / jnp.mean(g != 0), grads)  # an element that is 0 is not kept
    chex.assert_trees_all_close(updates, expected, rtol=1e-6)


def test_masked_leaves_have_no_gradient_beside_them(params, grads):
    some = optax.masked(zoo.cautious(), {"w": False, "b": True, "s": True})
    tx = zoo.pipeline(numerator=optax.scale(-1.0), rescale=some, learning_rate=1.0)
    updates, _ = tx.update(grads, tx.init(params), params)
    chex.assert_trees_all_equal(updates, {"w": grads["w"], "b": jnp.zeros(3), "s": jnp.zeros(())})


def test_without_a_gradient_it_says_what_is_missing():
    with pytest.raises(TypeError, match="cautious needs the gradient"):
        apply(optax.chain(zoo.cautious()), U)
    np.testing.assert_allclose(apply(optax.chain(zoo.cautious()), U, gradient=G)[0], 2.5, rtol=1e-6)
    for share in (0.0, -0.1, 1.5):
        with pytest.raises(ValueError, match=r"min_share is .*, but must be above 0 and at most 1"):
            zoo.cautious(share)


def test_shares_of_leaves_that_are_sharded():
    mesh = jax.make_mesh((4,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    u, g = jax.random.normal(jax.random.key(0), (2, 8, 3))
    tx = zoo.cautious(axis_name="data")
    spec = P("data")
    sharded = jax.shard_map(lambda u, g: apply(tx, u, gradient=g), mesh=mesh, in_specs=(spec, spec), out_specs=spec)
    chex.assert_trees_all_close(jax.jit(sharded)(u, g), apply(zoo.cautious(), u, gradient=g), rtol=1e-6)
