"""Norms by name: their values, their properties, their scopes, and users' own."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from jax.sharding import PartitionSpec as P

import optax_zoo as zoo
from optax_zoo.primitives import norms

EXPECTED = {
    "l1": lambda x: np.sum(np.abs(x)),
    "l2": lambda x: np.sqrt(np.sum(x**2)),
    "l1_l2": lambda x: (np.sum(np.abs(x)) + np.sqrt(np.sum(x**2))) / 2,
    "avg_l1": lambda x: np.mean(np.abs(x)),
    "avg_l2": lambda x: np.sqrt(np.mean(x**2)),
    "avg_l1_l2": lambda x: (np.mean(np.abs(x)) + np.sqrt(np.mean(x**2))) / 2,
    "max": lambda x: np.max(np.abs(x)),
    "min_max": lambda x: (np.max(np.abs(x)) + np.min(np.abs(x))) / 2,
    "std": lambda x: np.std(x),
}
SHAPES = st.sampled_from([(1,), (5,), (4, 3), (1, 4), (2, 3, 4)])  # few, since each is compiled
ARRAYS = hnp.arrays(np.float32, SHAPES, elements=st.floats(-100, 100, width=32))


@pytest.fixture
def scratch_norms(monkeypatch):
    monkeypatch.setattr(norms, "NORMS", dict(norms.NORMS))


def apply(tx, updates):
    return tx.update(updates, tx.init(updates))[0]


def test_all_nine_norms_are_there():
    assert zoo.list_norms() == list(EXPECTED)


@pytest.mark.parametrize("name", [*EXPECTED, "linf"])
@settings(max_examples=20, deadline=None)
@given(ARRAYS)
def test_normalized_is_divided_by_the_norm(name, x):
    norm = EXPECTED["max" if name == "linf" else name](x.astype(np.float64))
    assume(norm > 1e-3)
    np.testing.assert_allclose(apply(zoo.normalize_by_norm(name, eps=0.0), x), x / norm, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", EXPECTED)
@settings(max_examples=20, deadline=None)
@given(ARRAYS, st.floats(0.01, 100))
def test_normalized_does_not_depend_on_the_scale_of_the_gradient(name, x, factor):
    assume(EXPECTED[name](x.astype(np.float64)) > 1e-3)
    tx = zoo.normalize_by_norm(name, eps=0.0)
    np.testing.assert_allclose(apply(tx, x), apply(tx, x * np.float32(factor)), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", EXPECTED)
@settings(max_examples=20, deadline=None)
@given(ARRAYS, st.floats(0.1, 10))
def test_clipped_is_left_alone_below_and_scaled_to_the_norm_above(name, x, largest):
    norm = EXPECTED[name](x.astype(np.float64))
    assume(abs(norm - largest) > 1e-2)
    expected = x * largest / norm if norm > largest else x
    np.testing.assert_allclose(apply(zoo.clip_by_norm(name, largest), x), expected, rtol=1e-3, atol=1e-5)


def test_zero_and_empty_leaves_stay_finite():
    tree = {"zero": jnp.zeros(3), "empty": jnp.zeros((0, 2)), "scalar": jnp.float32(0.0)}
    for name in EXPECTED:
        for scope in ("leaf", "tree"):
            chex.assert_trees_all_equal(apply(zoo.normalize_by_norm(name, scope=scope), tree), tree)
            chex.assert_trees_all_equal(apply(zoo.clip_by_norm(name, 1.0, scope=scope), tree), tree)
    assert apply(zoo.normalize_by_norm("l2"), {}) == {}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_norm_of_the_tree_is_that_of_all_elements(name, grads):
    flat = np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(grads)]).astype(np.float64)
    normalized = apply(zoo.normalize_by_norm(name, eps=0.0, scope="tree"), grads)
    expected = jax.tree.map(lambda g: g / EXPECTED[name](flat), grads)
    chex.assert_trees_all_close(normalized, expected, rtol=1e-5)


@pytest.mark.parametrize("scope", ["leaf", "tree"])
@pytest.mark.parametrize("name", EXPECTED)
def test_sharded_leaves_have_the_norm_of_the_whole(name, scope):
    """One leaf sharded over the mesh, one replicated: a plain local norm is wrong, and so is a sum over the second."""
    mesh = jax.make_mesh((4,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    tree = {"sharded": jnp.linspace(-1.0, 2.0, 8), "replicated": jnp.array([3.0, -1.0])}
    specs = {"sharded": P("data"), "replicated": P()}
    tx = zoo.normalize_by_norm(name, scope=scope, axis_name={"sharded": "data", "replicated": None})
    local = zoo.normalize_by_norm(name, scope=scope)

    def over_mesh(tx):
        return jax.jit(jax.shard_map(lambda tree: apply(tx, tree), mesh=mesh, in_specs=(specs,), out_specs=specs))(tree)

    chex.assert_trees_all_close(over_mesh(tx), apply(local, tree), rtol=1e-5)
    if scope == "leaf":
        assert not np.allclose(over_mesh(local)["sharded"], apply(local, tree)["sharded"], rtol=1e-2)


def test_a_norm_of_ones_own_over_reductions(scratch_norms, grads):
    zoo.register_norm("l3", lambda over: over.sum(lambda x: jnp.abs(x) ** 3) ** (1 / 3))
    for scope in ("leaf", "tree"):
        assert "l3" in repr(zoo.normalized(norm="l3", scope=scope))
    leaf = np.float64([1.0, 2.0, 2.0])
    found = apply(zoo.normalize_by_norm("l3", eps=0.0), leaf)
    np.testing.assert_allclose(found, leaf / 17 ** (1 / 3), rtol=1e-5)


def test_a_norm_of_ones_own_over_an_array_is_per_leaf_only(scratch_norms):
    zoo.register_norm("median", lambda x: jnp.median(jnp.abs(x)))
    np.testing.assert_allclose(apply(zoo.normalize_by_norm("median", eps=0.0), np.float32([1, 2, 4])), [0.5, 1, 2])
    for reach in ({"scope": "tree"}, {"axis_name": "data"}):
        with pytest.raises(ValueError, match="'median' is a function of one array"):
            zoo.clip_by_norm("median", 1.0, **reach)


def test_a_norm_that_returns_no_scalar_is_refused(scratch_norms):
    zoo.register_norm("wrong", lambda x: x / 2)
    with pytest.raises(ValueError, match=r"norm 'wrong' returned shape \(3,\), but must return the norm, a scalar"):
        apply(zoo.normalize_by_norm("wrong"), jnp.ones(3))


def test_taken_and_unusable_names_are_refused(scratch_norms):
    for name in ("l2", "linf"):
        with pytest.raises(ValueError, match=f"name is '{name}', but that norm is registered already"):
            zoo.register_norm(name, lambda over: over.max(jnp.abs))
    with pytest.raises(TypeError, match="register_norm needs a name and a function"):
        zoo.register_norm("l4", 4)


def test_an_unknown_norm_or_scope_suggests_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'min_max'"):
        zoo.normalize_by_norm("minmax")
    with pytest.raises(ValueError, match="scope is 'global', but must be one of 'leaf', 'tree'"):
        zoo.normalize_by_norm("l2", scope="global")
