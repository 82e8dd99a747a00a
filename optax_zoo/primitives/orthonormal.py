"""Orthonormal columns that span what those of a tall matrix span, also of one whose rows are split over devices."""

import math
from collections.abc import Callable
from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp

from optax_zoo.primitives.lapack import orthonormal_columns, triangular_factor
from optax_zoo.primitives.layout import laid_out_like, product, whole
from optax_zoo.primitives.turns import identity_for

Factorization: TypeAlias = Literal["qr", "cholesky", "sketched"]
OVERSAMPLED = 1.25  # rows of a sketch for each column of what it is of, as in the authors' code of Dion
PASSES = 3  # by which columns become orthonormal whose condition is as bad as the dtype can tell


def by_reflections(p: jax.Array) -> jax.Array:
    """Householder's: of a matrix in one piece."""
    return laid_out_like(orthonormal_columns(whole(p)), p)


def by_cholesky(p: jax.Array, passes: int = PASSES) -> jax.Array:
    """By the triangular factor of the products of the columns: devices that hold rows sum those up, and no more.

    The factor is that of the products and a small multiple of the identity: it exists however alike the columns are. In
    each pass those that stand out come near to orthonormal; what is beneath rounding stays small.
    """
    shift = 4 * jnp.finfo(p.dtype).eps * math.sqrt(p.shape[-2] * p.shape[-1])
    for _ in range(passes):
        p = p / _positive(jnp.linalg.norm(p, axis=-2, keepdims=True))
        products = product(p.mT.conj(), p)
        lower = jnp.linalg.cholesky(products + shift * jnp.eye(p.shape[-1], dtype=p.dtype), symmetrize_input=False)
        p = math.sqrt(1 + shift) * product(p, _inverse(lower, lower=True).mT.conj())
    return p


def by_sketch(p: jax.Array) -> jax.Array:
    """By the triangular factor of random mixtures of the rows, and once by that of the products of the columns."""
    rows, columns = p.shape[-2:]
    mixed = min(rows, math.ceil(OVERSAMPLED * columns))
    p = p / _positive(jnp.linalg.norm(p, axis=-2, keepdims=True))
    mixture = jax.random.normal(jax.random.key(0), (mixed, rows), p.real.dtype) / math.sqrt(mixed)
    upper = triangular_factor(product(mixture.astype(p.dtype), p))
    diagonal = jnp.diagonal(upper)
    least = jnp.finfo(p.dtype).eps * jnp.max(jnp.abs(diagonal))
    upper += jnp.diag(jnp.where(jnp.abs(diagonal) < least, _positive(least) - diagonal, 0))
    return by_cholesky(product(p, _inverse(upper, lower=False)), passes=1)


FACTORIZATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "qr": by_reflections,
    "cholesky": by_cholesky,
    "sketched": by_sketch,
}


def _inverse(triangular: jax.Array, lower: bool) -> jax.Array:
    triangular, eye = identity_for(triangular)
    return jax.lax.linalg.triangular_solve(triangular, eye, left_side=True, lower=lower)


def _positive(x: jax.Array) -> jax.Array:
    """1 where x is 0."""
    return jnp.where(x == 0, 1, x)
