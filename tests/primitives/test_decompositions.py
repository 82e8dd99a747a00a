"""Decompositions in batches: on CPUs one after the other, which cannot wait for each other's threads."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optax_zoo.primitives import decompositions
from optax_zoo.primitives.decompositions import eigenvectors, iterated, orthonormal


def symmetric(*shape):
    x = jnp.asarray(np.random.default_rng(0).normal(size=(*shape, shape[-1])), jnp.float32)
    return x @ x.mT


def test_eigenvectors_are_in_the_order_of_their_values():
    factor = symmetric(5)
    q = eigenvectors(factor)
    values = jnp.diag(q.T @ factor @ q)
    np.testing.assert_allclose(q.T @ q, jnp.eye(5), atol=1e-5)
    np.testing.assert_allclose(values, jnp.linalg.eigvalsh(factor)[::-1], rtol=1e-4)


def test_iterations_lead_to_the_eigenvectors():
    factor, vectors, iterate = symmetric(5), jnp.eye(5), jax.jit(iterated)
    for _ in range(300):
        vectors, order = iterate(factor, vectors)
    np.testing.assert_array_equal(order, jnp.arange(5))
    np.testing.assert_allclose(jnp.abs(vectors.T @ eigenvectors(factor)), jnp.eye(5), atol=1e-3)


@pytest.mark.parametrize("function", [eigenvectors, orthonormal])
def test_no_call_is_for_several_matrices_at_once_on_cpus(function):
    many = jax.jit(lambda factors: [jax.vmap(function)(factor) for factor in factors])
    factors = [symmetric(4, 3) + i for i in range(6)]
    text = many.lower(factors).compile().as_text()
    assert "lapack_s" in text and not any("[4,3,3]" in line for line in text.splitlines() if "lapack_s" in line)
    for found, factor in zip(many(factors), factors, strict=True):
        np.testing.assert_allclose(found[2], function(factor[2]), atol=1e-4)


@pytest.mark.parametrize("matrix", [symmetric(6), jnp.diag(jnp.array([1e30, 1.0, 1e-30])), 1e-30 * symmetric(4)])
def test_the_orthonormal_factor_is_that_of_reflections(matrix):
    q = jax.jit(orthonormal)(matrix)
    np.testing.assert_allclose(q.T @ q, jnp.eye(len(q)), atol=1e-6)
    np.testing.assert_allclose(jnp.abs(q.T @ jnp.linalg.qr(matrix)[0]), jnp.eye(len(q)), atol=1e-4)


def test_the_orthonormal_factor_by_halves(monkeypatch):
    monkeypatch.setattr(decompositions, "LAPACK_SIZE", 2)
    matrix = 3 * jnp.eye(7) + jnp.asarray(np.random.default_rng(1).normal(size=(7, 7)), jnp.float32)
    q = jax.jit(orthonormal)(matrix)
    np.testing.assert_allclose(jnp.abs(q.T @ jnp.linalg.qr(matrix)[0]), jnp.eye(7), atol=1e-5)


ROWS = jnp.arange(200.0) - 50
FEW = jnp.outer(ROWS, jnp.cos(ROWS))
DEPENDENT = [jnp.zeros((3, 3)), jnp.ones((3, 3)), jnp.outer(jnp.arange(4.0), jnp.ones(4)), FEW]


@pytest.mark.parametrize("matrix", DEPENDENT, ids=lambda matrix: f"{matrix.shape}")
def test_columns_that_depend_on_others_are_made_orthonormal_too(matrix):
    q = jax.jit(orthonormal)(matrix)
    np.testing.assert_allclose(q.T @ q, jnp.eye(len(q)), atol=1e-6)


def test_of_many_good_and_bad():
    matrices = jnp.stack([symmetric(3), jnp.zeros((3, 3)), jnp.full((3, 3), 1e-3j)])
    q = jax.jit(jax.vmap(orthonormal))(matrices)
    np.testing.assert_allclose(q.mT.conj() @ q, jnp.stack([jnp.eye(3)] * 3), atol=1e-6)


def test_they_are_constants_to_derivatives():
    def loss(scale):
        return eigenvectors(scale * symmetric(3)).sum() + jax.vmap(orthonormal)(scale * symmetric(2, 3)).sum()

    assert jax.grad(loss)(2.0) == 0
