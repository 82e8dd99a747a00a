"""Orthogonalization: the polar factor of each matrix, however a leaf lies."""

import math

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import optax_zoo as zoo
from optax_zoo import orthogonalize, polar_factor, scale_by_shape

CONVERGING = {"coefficients": (1.875, -1.25, 0.375), "steps": 30}  # Newton-Schulz of order 5, with limit 1


def tree(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return {f"leaf_{number}": jnp.asarray(rng.normal(size=shape), "float32") for number, shape in enumerate(shapes)}


def made(part, updates):
    return part.update(updates, part.init(updates))[0]


def polar(matrix):
    u, _, vt = np.linalg.svd(np.asarray(matrix, "float64"), full_matrices=False)
    return u @ vt


@pytest.mark.parametrize("shape", [(4, 4), (6, 3), (3, 6), (1, 5)])
def test_the_limit_is_the_polar_factor(shape):
    updates = tree(shape)
    found = made(orthogonalize(**CONVERGING), updates)
    np.testing.assert_allclose(found["leaf_0"], polar(updates["leaf_0"]), rtol=1e-3, atol=1e-4)


def test_muons_coefficients_bring_singular_values_near_one():
    sizes = jnp.linalg.svd(made(orthogonalize(), tree((8, 5)))["leaf_0"], compute_uv=False)
    assert jnp.all((sizes > 0.65) & (sizes < 1.25)), sizes


def test_coefficients_of_each_iteration_of_which_the_last_goes_on():
    updates, first, last = tree((4, 3)), (2.0, -1.5, 0.5), (1.5, -0.5, 0.0)
    x = np.asarray(updates["leaf_0"], "float64")
    x /= np.linalg.norm(x) + 1e-7
    for a, b, c in (first, last, last):
        x = a * x + (b * (x @ x.T) + c * (x @ x.T) @ (x @ x.T)) @ x
    found = made(orthogonalize(coefficients=(first, last), steps=3), updates)
    np.testing.assert_allclose(found["leaf_0"], x, rtol=1e-4, atol=1e-6)


def test_a_complex_matrix_becomes_unitary():
    real, imaginary = tree((4, 3), (4, 3)).values()
    found = made(orthogonalize(**CONVERGING), real + 1j * imaginary)
    np.testing.assert_allclose(found.conj().T @ found, np.eye(3), atol=1e-3)


def test_a_kernel_is_the_matrix_of_its_outputs_and_all_else():
    updates = tree((2, 3, 4, 5))
    kernel = updates["leaf_0"]
    last = made(orthogonalize(), kernel)
    chex.assert_trees_all_close(last, made(orthogonalize(), kernel.reshape(24, 5)).reshape(kernel.shape), atol=1e-5)
    first = made(orthogonalize(outputs="first"), kernel)
    expected = made(orthogonalize(outputs="first"), kernel.reshape(2, 60)).reshape(kernel.shape)
    chex.assert_trees_all_close(first, expected, atol=1e-5)
    assert jnp.max(jnp.abs(first - last)) > 0.01


def test_of_a_matrix_it_does_not_matter_which_axis_has_the_outputs():
    updates = tree((4, 3), (3, 4))
    chex.assert_trees_all_close(
        made(orthogonalize(outputs="first"), updates), made(orthogonalize(), updates), atol=1e-5
    )


@pytest.mark.parametrize(("stacked", "axis"), [(1, 0), ((1,), 1), ((2,), 2)])
@pytest.mark.parametrize("part", [orthogonalize, scale_by_shape])
def test_stacked_layers_are_matrices_of_their_own(part, stacked, axis):
    layers = list(tree((4, 3), (4, 3)).values())
    found = made(part(stacked=stacked), jnp.stack(layers, axis))
    expected = jnp.stack([made(part(), layer) for layer in layers], axis)
    chex.assert_trees_all_close(found, expected, atol=1e-5)


def test_bfloat16_is_computed_in_float32_unless_said_otherwise():
    updates = jax.tree.map(lambda x: x.astype(jnp.bfloat16), tree((8, 5)))
    wide = made(orthogonalize(), jax.tree.map(lambda x: x.astype(jnp.float32), updates))
    found = made(orthogonalize(), updates)
    assert found["leaf_0"].dtype == jnp.bfloat16
    chex.assert_trees_all_close(jax.tree.map(lambda x: x.astype(jnp.float32), found), wide, rtol=1e-2, atol=1e-3)
    low = made(orthogonalize(dtype=jnp.bfloat16), tree((8, 5)))["leaf_0"]
    assert low.dtype == jnp.float32 and jnp.max(jnp.abs(low - wide["leaf_0"])) > 1e-4


def test_no_gradient_gives_no_step():
    chex.assert_trees_all_equal(made(orthogonalize(), jnp.zeros((3, 2))), jnp.zeros((3, 2)))
    assert made(orthogonalize(), jnp.zeros((0, 2))).shape == (0, 2)


@pytest.mark.parametrize(("stacked", "shape"), [(None, (3,)), (None, ()), (1, (2, 3))])
def test_what_is_no_matrix_is_refused_with_its_path(stacked, shape):
    updates = {"layer": tree((2, 2, 2), shape)}
    part = orthogonalize(stacked=lambda path, leaf: min(stacked or 0, leaf.ndim) if leaf.shape == shape else 0)
    with pytest.raises(
        ValueError, match=r"needs matrices, but the leaf \['layer'\]\['leaf_1'\] has the shape \(.*route"
    ):
        made(part, updates)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": 0}, "steps is 0, but must be at least 1"),
        ({"outputs": "middle"}, "outputs is 'middle', but must be one of 'first', 'last'"),
        ({"coefficients": (1.0, 2.0)}, "must be three numbers, or a tuple of such"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        orthogonalize(**arguments)


BAD = {
    "none": np.zeros((0, 4)),
    "row": np.arange(1.0, 5.0)[None],
    "column": np.arange(1.0, 5.0)[:, None],
    "zeros": np.zeros((3, 4)),
    "rank 1": np.outer([1.0, 2.0, -1.0], [1.0, 0.0, 3.0, 1.0]),
    "huge": 1e30 * np.eye(3, 4),
    "tiny": 1e-30 * np.eye(3, 4),
    "unlike": np.diag([1e30, 1.0, 1e-30]),
}


@pytest.mark.parametrize("part", [orthogonalize(), orthogonalize(coefficients="polar_express"), polar_factor()])
def test_of_bad_matrices_updates_are_finite_and_of_full_rank_at_most(part):
    found = made(part, {name: jnp.asarray(x, "float32") for name, x in BAD.items()})
    for name, x in found.items():
        assert x.shape == BAD[name].shape and jnp.all(jnp.isfinite(x)), name
    for name in ("row", "column", "rank 1", "huge", "unlike"):
        largest = np.linalg.norm(found[name], 2)
        assert 0.65 < largest < 1.3, (name, largest)
        assert np.linalg.matrix_rank(found[name], tol=1e-3) <= np.linalg.matrix_rank(BAD[name], tol=1e-30)
    assert not jnp.any(found["zeros"])
    assert jnp.max(jnp.abs(found["tiny"])) < 1e-15 or repr(part) == "polar_factor()"


@pytest.mark.parametrize("shape", [(4, 4), (3, 6), (6, 3), (1, 5), (2, 3, 4)])
def test_the_exact_polar_factor(shape):
    updates = tree(shape)
    found = made(polar_factor(stacked=len(shape) - 2), updates)["leaf_0"]
    np.testing.assert_allclose(found, np.vectorize(polar, signature="(m,n)->(m,n)")(updates["leaf_0"]), atol=1e-5)


def test_directions_that_a_matrix_lacks_stay_without_a_step():
    x = np.outer([3.0, 4.0], [0.0, 2.0, 0.0])
    np.testing.assert_allclose(made(polar_factor(), jnp.asarray(x, "float32")), x / 10, atol=1e-6)
    sizes = np.array([1.0, 1e-2])
    one = made(polar_factor(tolerance=0.1), jnp.diag(jnp.asarray(sizes, "float32")))
    np.testing.assert_allclose(one, np.diag([1.0, 0.0]), atol=1e-6)


def test_factors_for_the_shape():
    updates = jax.tree.map(jnp.ones_like, tree((4, 9), (9, 4), (2, 3, 24), (5,), ()))
    spectral = made(scale_by_shape(), updates)
    expected = (1.5, 1.0, 2.0, 1.0, 1.0)  # the root of outputs over inputs, at least 1
    assert [float(x.max()) for x in spectral.values()] == pytest.approx(expected)
    first = made(scale_by_shape(outputs="first"), updates)
    assert [float(x.max()) for x in first.values()] == pytest.approx((1.0, 1.5, 1.0, 1.0, 1.0))
    rms = made(scale_by_shape("rms"), updates)
    expected = (0.2 * 3, 0.2 * 3, 0.2 * math.sqrt(24), 1.0, 1.0)
    assert [float(x.max()) for x in rms.values()] == pytest.approx(expected)
    ratio = made(scale_by_shape("ratio"), updates)
    assert [float(x.max()) for x in ratio.values()] == pytest.approx((1.5, 2 / 3, 2.0, 1.0, 1.0))
    with pytest.raises(ValueError, match="factor is 'root', but must be one of 'spectral', 'rms', 'ratio'"):
        scale_by_shape("root")


def test_steps_of_muon_by_rms_are_as_long_as_adamws():
    params = tree((64, 32))
    tx = zoo.muon(1.0, shape_factor="rms")
    updates, _ = tx.update(params, tx.init(params), params)
    assert 0.15 < jnp.sqrt(jnp.mean(updates["leaf_0"] ** 2)) < 0.25
