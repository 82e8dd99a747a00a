"""Norms of huge, tiny and zero gradients: right, over mesh axes too, and with finite derivatives."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import PartitionSpec as P
from test_norms import EXPECTED, apply, scratch_norms  # noqa: F401

import optax_zoo as zoo
from optax_zoo.compat import enable_x64
from optax_zoo.primitives import norms

LARGEST = float(np.finfo(np.float32).max)
SIZES = [LARGEST, 1e30, 1e20, 1.0, 1e-20, 1e-30]
SHAPE = np.float64([[-0.5, 0.03, 1.0, -1.0], [0.0, 0.7, -1e-3, 1e-6]])
ROWS = ["novograd", "gravity", "normalized", "clipped"]


def leaf(size):
    return (SHAPE * size).astype(np.float32)


def right(name, size, x=None):
    """The norm in float64."""
    return EXPECTED[name](leaf(size).astype(np.float64) if x is None else x)


@pytest.mark.parametrize("name", EXPECTED)
def test_every_size_has_the_right_norm(name):
    normalize = jax.jit(lambda x: apply(zoo.normalize_by_norm(name), x))
    clip = jax.jit(lambda x: apply(zoo.clip_by_norm(name, 0.25), x))
    for size in SIZES:
        x, norm = leaf(size), right(name, size)
        np.testing.assert_allclose(normalize(x), x / (norm + 1e-7), rtol=1e-5, err_msg=f"{size}")
        clipped = x * np.float64(min(1, 0.25 / (norm + 1e-7)))
        np.testing.assert_allclose(clip(x), clipped, rtol=1e-5, atol=1e-37, err_msg=f"{size}")


@pytest.mark.parametrize("name", EXPECTED)
def test_normalized_without_eps_does_not_depend_on_the_size(name):
    tx = zoo.normalize_by_norm(name, eps=0.0, scope="tree")
    normalize = jax.jit(lambda x: apply(tx, {"a": x, "b": x[:1] / 2})["a"])
    flat = np.concatenate([np.ravel(SHAPE), np.ravel(SHAPE[:1]) / 2])
    for size in SIZES:
        np.testing.assert_allclose(normalize(leaf(size)), SHAPE / EXPECTED[name](flat), rtol=1e-5, err_msg=f"{size}")


@pytest.mark.parametrize("name", [name for name in EXPECTED if name != "std"])
def test_complex_leaves_whose_modulus_overflows(name):
    unit = np.complex64(SHAPE + 1j * SHAPE[::-1])
    for size in (LARGEST, 1e-30):
        found = apply(zoo.normalize_by_norm(name, eps=0.0), unit * np.float32(size))
        np.testing.assert_allclose(found, unit / EXPECTED[name](np.abs(unit)), rtol=1e-5)


def test_ordinary_gradients_keep_their_digits():
    x = jax.random.normal(jax.random.key(0), (40, 30))
    l2 = jnp.sqrt(jnp.sum(x * x))
    chex.assert_trees_all_equal(apply(zoo.normalize_by_norm("l2"), x), x / (l2 + 1e-7))
    chex.assert_trees_all_equal(apply(zoo.clip_by_norm("l2", 1e3), x), x)


def test_float64_reaches_its_own_limits():
    with enable_x64(True):
        for size in (1e300, 1e-300):
            found = apply(zoo.normalize_by_norm("l2", eps=0.0), jnp.asarray(SHAPE * size))
            np.testing.assert_allclose(found, SHAPE / EXPECTED["l2"](SHAPE), rtol=1e-12)


def test_constants_that_the_gradient_was_multiplied_by():
    """XLA multiplies them with the scale, which must not become subnormal."""
    for factor in (0.5, 1 / 1024):
        found = jax.jit(lambda x, c=factor: apply(zoo.normalize_by_norm("l2", eps=0.0), x * c))(leaf(LARGEST))
        np.testing.assert_allclose(found, SHAPE / EXPECTED["l2"](SHAPE), rtol=1e-5)


def test_infinite_and_nan_entries_still_show():
    for entry in (jnp.inf, jnp.nan):
        assert np.isnan(apply(zoo.normalize_by_norm("l2"), jnp.array([1.0, entry]))[1])


@pytest.mark.parametrize("scope", ["leaf", "tree"])
@pytest.mark.parametrize("size", [LARGEST, 1e-30])
def test_extremes_over_mesh_axes(scope, size):
    """The largest entry is in one shard only."""
    mesh = jax.make_mesh((4,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    specs = {"sharded": P("data"), "replicated": P()}
    unit = {"sharded": np.float32([1e-3, 0.1, -1, 0.5]), "replicated": np.float32([0.25, -0.5])}
    tx = zoo.normalize_by_norm("l1_l2", eps=0.0, scope=scope, axis_name={"sharded": "data", "replicated": None})
    step = jax.jit(jax.shard_map(lambda tree: apply(tx, tree), mesh=mesh, in_specs=(specs,), out_specs=specs))
    expected = apply(zoo.normalize_by_norm("l1_l2", eps=0.0, scope=scope), unit)
    chex.assert_trees_all_close(step(jax.tree.map(lambda x: x * np.float32(size), unit)), expected, rtol=1e-5)


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("row", [zoo.normalized, zoo.clipped])
def test_derivatives_at_a_zero_gradient_are_finite(row, name):
    tx = row(zoo.sgd(0.1), name)
    params = {"w": jnp.ones(3), "z": jnp.ones(2, jnp.complex64) if name != "std" else jnp.ones(2)}

    def loss(scale):
        grads = jax.tree.map(lambda p: p * scale, params)
        updates, _ = tx.update(grads, tx.init(params), params)
        return sum(jnp.sum(jnp.real(u)) for u in jax.tree.leaves(updates))

    for scale in (0.0, 1.0):
        assert np.isfinite(jax.jit(jax.grad(loss))(scale))
    for without_eps in (zoo.normalize_by_norm(name, eps=0.0), zoo.clip_by_norm(name, 1.0, eps=0.0)):
        chex.assert_trees_all_equal(apply(without_eps, jnp.zeros(3)), jnp.zeros(3))


@pytest.mark.parametrize("name", [*ROWS, "normalized of std"])
def test_no_finite_gradient_gives_nan_in_updates(name):
    """Three huge gradients, ordinary ones after, and huge ones among ordinary."""
    tx = zoo.normalized(norm="std") if name.endswith("std") else zoo.create(name)
    params = {"w": jnp.asarray(SHAPE, jnp.float32), "s": jnp.float32(1.0)}
    update = jax.jit(tx.update)
    for size in (1e20, 1e30, 1e33, LARGEST):
        for sizes in ([size] * 3 + [1.0] * 3, [1.0, size, 1.0, size, 1e-30]):
            state = tx.init(params)
            for each in sizes:
                updates, state = update({"w": leaf(each), "s": np.float32(each)}, state, params)
                chex.assert_tree_all_finite(updates)


def test_an_average_norm_that_overflows_gives_no_nan():
    tx = zoo.normalize_by_average_norm()
    for sizes in ([LARGEST, LARGEST, 1.0], [1e20, 1.0, 1e20], [1.0, 1e18, 1.0, 1.0]):
        state = tx.init(leaf(1.0))
        for size in sizes:
            updates, state = tx.update(leaf(size), state)
            chex.assert_tree_all_finite(updates)
            assert not np.isnan(state.mean_square)


def test_a_homogeneous_norm_of_ones_own(scratch_norms):  # noqa: F811
    cubes = lambda over: over.sum(lambda x: jnp.abs(x) ** 3) ** (1 / 3)  # noqa: E731
    norms.register_norm("l3", cubes, homogeneous=True)
    norms.register_norm("l3 of an array", lambda x: jnp.sum(jnp.abs(x) ** 3) ** (1 / 3), homogeneous=True)
    norms.register_norm("l3 as it is", cubes)
    expected = SHAPE / np.sum(np.abs(SHAPE) ** 3) ** (1 / 3)
    for size in (LARGEST, 1.0, 1e-30):
        for name in ("l3", "l3 of an array"):
            np.testing.assert_allclose(apply(zoo.normalize_by_norm(name, eps=0.0), leaf(size)), expected, rtol=1e-5)
    np.testing.assert_allclose(apply(zoo.normalize_by_norm("l3 as it is", eps=0.0), leaf(1.0)), expected, rtol=1e-5)
    np.testing.assert_array_equal(apply(zoo.normalize_by_norm("l3 as it is"), leaf(1e20)), 0)


def test_clipped_to_what_optax_clips_to(grads):
    found = apply(zoo.clip_by_norm("l2", 0.5, eps=0.0, scope="tree"), grads)
    expected = apply(optax.clip_by_global_norm(0.5), grads)
    chex.assert_trees_all_close(found, expected, rtol=1e-6)
