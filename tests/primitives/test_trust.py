"""Steps that are as long as the parameters."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import PartitionSpec as P

import optax_zoo as zoo


def apply(tx, updates, params):
    return tx.update(updates, tx.init(params), params)[0]


def test_updates_get_the_norm_of_their_parameters(params, grads):
    for norm in zoo.list_norms():
        found = apply(zoo.trust_ratio(norm), {"w": grads["w"]}, {"w": params["w"]})
        expected = grads["w"] * size(norm, params["w"]) / size(norm, grads["w"])
        np.testing.assert_allclose(found["w"], expected, rtol=1e-5)


def size(norm, x):
    """The norm of an array, from what is left of it when it is divided by that."""
    return jnp.max(jnp.abs(x)) / jnp.max(jnp.abs(apply(zoo.normalize_by_norm(norm, eps=0.0), x, x)))


def test_leaves_with_nothing_to_compare_are_left_alone():
    updates = {"new": jnp.ones(3), "still": jnp.zeros(3), "empty": jnp.ones((0, 2)), "number": jnp.float32(-2.0)}
    params = {"new": jnp.zeros(3), "still": jnp.ones(3), "empty": jnp.ones((0, 2)), "number": jnp.float32(4.0)}
    chex.assert_trees_all_equal(apply(zoo.trust_ratio(), updates, params), {**updates, "number": jnp.float32(-4.0)})


def test_limits_and_eps():
    u, p = jnp.array([3.0, -4.0]), jnp.array([6.0, 8.0])
    for tx, ratio in [
        (zoo.trust_ratio(), 2.0),
        (zoo.trust_ratio(eps=5.0), 1.0),
        (zoo.trust_ratio(max_param_norm=2.5), 0.5),
        (zoo.trust_ratio(max_param_norm=20.0), 2.0),
        (zoo.trust_ratio(max_param_norm=0.0), 1.0),
        (zoo.trust_ratio(max_ratio=1.5), 1.5),
        (zoo.trust_ratio(max_ratio=3.0), 2.0),
        (zoo.trust_ratio(max_param_norm=2.5, max_ratio=0.25), 0.25),
        (zoo.trust_ratio(coefficient=0.1), 0.2),
        (zoo.trust_ratio(coefficient=0.1, max_ratio=0.3), 0.2),
        (zoo.trust_ratio(coefficient=0.1, max_ratio=0.1), 0.1),
    ]:
        np.testing.assert_allclose(apply(tx, u, p), ratio * u, rtol=1e-6, err_msg=repr(tx))


@pytest.mark.parametrize("of_updates", [0.0, 1e-30, 1.0, 1e30])
def test_a_decay_counts_by_its_own_norm(of_updates):
    u, p = of_updates * jnp.array([0.6, -0.8]), jnp.array([6.0, 8.0])
    tx = zoo.trust_ratio(coefficient=0.1, weight_decay=0.01, eps=0.5)
    np.testing.assert_allclose(apply(tx, u, p), 0.1 * 10 / (of_updates + 0.1 + 0.5) * (u + 0.01 * p), rtol=1e-5)
    np.testing.assert_array_equal(apply(tx, u, jnp.zeros(2)), u)
    masked = zoo.trust_ratio(weight_decay=0.01, mask={"in": True, "out": False})
    found = apply(masked, {"in": u, "out": u}, {"in": p, "out": p})
    np.testing.assert_array_equal(found["out"], u)
    np.testing.assert_array_equal(found["in"], apply(zoo.trust_ratio(weight_decay=0.01), u, p))


@pytest.mark.parametrize("of_updates", [1e-33, 1e-20, 1.0, 1e30])
@pytest.mark.parametrize("of_params", [1e-30, 1.0, 1e30])
def test_every_size_can_be_compared(of_updates, of_params):
    u, p = jnp.array([[3.0, -4.0]]), jnp.array([[0.0, 1.0]])
    found = apply(zoo.trust_ratio(), of_updates * u, of_params * p)
    np.testing.assert_allclose(found, of_params * u / 5, rtol=1e-5)
    limited = apply(zoo.trust_ratio(max_ratio=1e-3), of_updates * u, of_params * p)
    np.testing.assert_allclose(limited, min(of_params / 5, 1e-3 * of_updates) * u, rtol=1e-5)


def test_a_mask_says_which_leaves_are_rescaled(params, grads):
    tx = zoo.trust_ratio(mask={"w": True, "b": False, "s": False})
    found = apply(tx, grads, params)
    np.testing.assert_allclose(jnp.linalg.norm(found["w"]), jnp.linalg.norm(params["w"]), rtol=1e-6)
    chex.assert_trees_all_equal((found["b"], found["s"]), (grads["b"], grads["s"]))
    with pytest.raises(ValueError, match="the mask of the trust ratio does not fit the parameters"):
        apply(zoo.trust_ratio(mask={"v": True}), grads, params)
    with pytest.raises(TypeError, match="mask is True, but must be a tree of bools"):
        zoo.trust_ratio(mask=True)


def test_lamb_rescales_what_its_mask_says(params, grads):
    weights = {"w": True, "b": False, "s": False}
    updates = apply(zoo.lamb(0.1, weight_decay_mask=weights, trust_mask=weights), grads, params)
    np.testing.assert_allclose(jnp.linalg.norm(updates["w"]), 0.1 * jnp.linalg.norm(params["w"]), rtol=1e-5)
    adam = apply(zoo.adam(0.1, eps=1e-6), grads, params)
    chex.assert_trees_all_close((updates["b"], updates["s"]), (adam["b"], adam["s"]), rtol=1e-6)


def test_updates_are_scaled_by_the_size_of_their_parameters(params, grads):
    found = apply(zoo.scale_by_param_norm(), {**grads, "new": jnp.ones(2)}, {**params, "new": jnp.zeros(2)})
    for leaf in params:
        rms = jnp.sqrt(jnp.mean(params[leaf] ** 2))
        np.testing.assert_allclose(found[leaf], grads[leaf] * rms, rtol=1e-6)
    np.testing.assert_allclose(found["new"], 1e-3)
    by_largest = apply(zoo.scale_by_param_norm("max"), grads["w"], 2 * params["w"])
    np.testing.assert_allclose(by_largest, 2 * grads["w"], rtol=1e-6)
    assert repr(zoo.scale_by_param_norm("avg_l2", min_norm=0.1)) == "scale_by_param_norm(min_norm=0.1)"


def test_without_parameters_it_says_what_is_missing(grads):
    with pytest.raises(ValueError, match=r"trust_ratio.* needs the parameters"):
        zoo.trust_ratio().update(grads, optax.EmptyState())


def test_ratios_of_leaves_that_are_sharded():
    mesh = jax.make_mesh((4,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    u, p = jax.random.normal(jax.random.key(0), (2, 8, 3))
    tx, spec = zoo.trust_ratio(axis_name="data"), P("data")
    sharded = jax.shard_map(lambda u, p: apply(tx, u, p), mesh=mesh, in_specs=(spec, spec), out_specs=spec)
    chex.assert_trees_all_close(jax.jit(sharded)(u, p), apply(zoo.trust_ratio(), u, p), rtol=1e-6)


def test_least_norms_and_ratios_and_leaves_of_few_elements():
    u = {"long": jnp.array([3.0, 4.0]), "short": jnp.array([0.3, 0.4]), "number": jnp.array([2.0])}
    p = {"long": jnp.zeros(2), "short": jnp.array([0.0, 2.0]), "number": jnp.array([5.0])}
    tx = zoo.trust_ratio(min_norm=1.0, min_ratio=0.5, min_size=2)
    found, _ = tx.update(u, tx.init(p), p)
    np.testing.assert_allclose(found["long"], 0.5 * u["long"], rtol=1e-6)
    np.testing.assert_allclose(found["short"], 2.0 * u["short"], rtol=1e-6)  # as if its norm were 1
    np.testing.assert_allclose(found["number"], u["number"])
