"""Steps along the sphere of matrices of one spectral norm."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import optax_zoo as zoo

RNG = np.random.default_rng(0)
PARAMS = {"w": jnp.asarray(RNG.normal(size=(6, 4)), jnp.float32)}
GRADS = {"w": jnp.asarray(RNG.normal(size=(6, 4)), jnp.float32)}


def step_of(grads, params, **options):
    tx = zoo.spectral_tangent(coefficients="polar_express", steps=8, power_steps=60, **options)
    return jax.jit(tx.update)(grads, tx.init(params), params)[0]


def test_a_step_is_orthogonal_and_has_no_part_along_the_leading_singular_vectors():
    step = np.asarray(step_of(GRADS, PARAMS)["w"])
    u, _, vh = np.linalg.svd(PARAMS["w"], full_matrices=False)
    plain = zoo.orthogonalize(coefficients="polar_express", steps=8).update(GRADS, None)[0]["w"]
    assert abs(u[:, 0] @ plain @ vh[0]) > 0.04
    assert abs(u[:, 0] @ step @ vh[0]) < 1e-5
    np.testing.assert_allclose(np.linalg.svd(step)[1], 1, atol=0.02)


def test_where_the_parameters_are_zero_steps_are_orthogonalized_ones():
    step = step_of(GRADS, {"w": jnp.zeros((6, 4))})["w"]
    plain = zoo.orthogonalize(coefficients="polar_express", steps=8).update(GRADS, None)[0]["w"]
    np.testing.assert_allclose(step, plain, atol=1e-5)


@pytest.mark.parametrize("size", [0.0, 1e30, 1e-30])
def test_steps_do_not_depend_on_the_size_of_gradients_and_parameters(size):
    step = step_of({"w": GRADS["w"] * size}, {"w": PARAMS["w"] * (size or 1)})["w"]
    expected = step_of(GRADS, PARAMS)["w"] if size else np.zeros((6, 4))
    np.testing.assert_allclose(step, expected, atol=1e-3)


def test_parameters_are_needed():
    with pytest.raises(ValueError, match="needs the parameters"):
        zoo.spectral_tangent().update(GRADS, zoo.spectral_tangent().init(PARAMS))
