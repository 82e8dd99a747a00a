"""Decompositions of one matrix, of which any number can be batched on every backend."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from optax_zoo.primitives.lapack import one_by_one
from optax_zoo.primitives.turns import identity_for

LAPACK_SIZE = 128  # of matrices that are handed to it whole


def decomposition(function: Callable[[jax.Array], jax.Array]) -> Callable[[jax.Array], jax.Array]:
    """`one_by_one`, and constant to derivatives."""
    of_matrices = one_by_one(function)
    return lambda matrices: of_matrices(jax.lax.stop_gradient(matrices))


@decomposition
def eigenvectors(factor: jax.Array) -> jax.Array:
    """Eigenvectors of a symmetric matrix in columns, the largest eigenvalue first."""
    return jnp.flip(jnp.linalg.eigh(factor)[1], axis=-1)


@decomposition
def orthonormal(matrix: jax.Array) -> jax.Array:
    """The orthonormal factor of a matrix with as many rows as columns, up to the signs of its columns.

    It is made by the triangular factor of the products of its columns, a second time where rounding asks for it, which
    takes half as long as Householder's reflections or less, and is as exact where columns of equal length are
    independent enough: those of a matrix times vectors near to its eigenvectors are, whatever the eigenvalues.
    Elsewhere it is made by reflections.
    """
    columns = matrix / jnp.linalg.norm(matrix, axis=-2, keepdims=True)
    once = columns @ _inverse_root(_products(columns))
    products = _products(once)
    off = jnp.abs(products - jnp.eye(matrix.shape[-1], dtype=matrix.dtype))
    exact = matrix.shape[-1] ** 0.5 * jnp.finfo(matrix.dtype).eps
    # 2 where there is NaN, which XLA:CPU leaves out of the largest of a matrix.
    way = jnp.where(jnp.all(off <= exact), 0, jnp.where(jnp.all(off < 0.1), 1, 2))
    ways = lambda: once, lambda: once @ _inverse_root(products), lambda: jnp.linalg.qr(matrix)[0]
    return jax.lax.switch(way, ways)


def _products(matrix: jax.Array) -> jax.Array:
    return matrix.mT.conj() @ matrix


def _inverse_root(products: jax.Array) -> jax.Array:
    """The upper triangular T with T T^H the inverse of a positive definite matrix, of which the lower part is read.

    By halves, so that most of it are products of matrices: these are several times as fast as LAPACK on CPUs.
    """
    n = products.shape[-1]
    if n <= LAPACK_SIZE:
        lower, eye = identity_for(jnp.linalg.cholesky(products, symmetrize_input=False))
        eye = jnp.broadcast_to(eye, products.shape)
        return jax.lax.linalg.triangular_solve(lower, eye, lower=True, left_side=True).mT.conj()
    half = (n + 1) // 2
    first = _inverse_root(products[..., :half, :half])
    below = products[..., half:, :half] @ first
    second = _inverse_root(products[..., half:, half:] - below @ below.mT.conj())
    beside = -first @ (below.mT.conj() @ second)
    top = jnp.concatenate([first, beside], -1)
    return jnp.concatenate([top, jnp.pad(second, [(0, 0)] * (products.ndim - 1) + [(half, 0)])], -2)


def iterated(factor: jax.Array, vectors: jax.Array) -> tuple[jax.Array, jax.Array]:
    """One step of orthogonal iteration towards the eigenvectors of a symmetric matrix.

    Returns:
      The orthonormal factor of the matrix times the vectors in the order of their Rayleigh quotients, the largest
      first; and that order.
    """
    product = factor @ vectors
    order = jnp.argsort(-(vectors.conj() * product).sum(-2).real)
    return orthonormal(jnp.take(product, order, axis=-1)), order
