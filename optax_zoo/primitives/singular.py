"""Leading singular vectors of matrices."""

import jax
import jax.numpy as jnp

from optax_zoo.primitives.lapack import eigh, orthonormal_columns, svd
from optax_zoo.primitives.reductions import Reduction
from optax_zoo.primitives.scale import by_largest

OVERSAMPLED = 8  # vectors more than are asked for
PASSES = 2  # over the matrix and its transpose, after the first


def leading_vectors(matrices: jax.Array, rank: int, exact: bool = True) -> tuple[jax.Array, jax.Array]:
    """Left and right singular vectors of matrices (..., m, n), those of the largest singular values, in columns.

    They are found at a power of two of the matrix, so that no entry is too large or too small for it.

    Args:
      matrices: with at least one row and one column.
      rank: how many, at most min(m, n).
      exact: by a singular value decomposition; else by randomized subspace iteration.
    """
    layers = tuple(range(matrices.ndim - 2))
    matrices = matrices * by_largest(Reduction([matrices], [None], layers))
    left, right = _exact(matrices) if exact else _iterated(matrices, rank)
    return left[..., :rank], right[..., :rank]


def _exact(matrices: jax.Array) -> tuple[jax.Array, jax.Array]:
    left, _, right = svd(matrices)
    return left, right.mT.conj()


def _iterated(matrices: jax.Array, rank: int) -> tuple[jax.Array, jax.Array]:
    m, n = matrices.shape[-2:]
    start = jax.random.normal(jax.random.key(0), (n, min(rank + OVERSAMPLED, m, n)), matrices.real.dtype)
    left = orthonormal_columns(matrices @ start)
    for _ in range(PASSES):
        left = orthonormal_columns(matrices @ orthonormal_columns(matrices.mT.conj() @ left))
    inside = left.mT.conj() @ matrices
    turned = jnp.flip(eigh(inside @ inside.mT.conj())[1], -1)
    return left @ turned, orthonormal_columns(inside.mT.conj() @ turned)
