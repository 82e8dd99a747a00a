"""Decompositions by LAPACK of matrices (..., m, n), on CPUs one matrix after another.

There a call for several matrices waits for threads of the pool that it occupies one of itself: as many such calls at
once as the pool has threads wait for ever (jaxlib 0.10, seen with QR on two cores). `jax.vmap` makes such calls, too.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap


def one_by_one(function: Callable[[jax.Array], Any]) -> Callable[[jax.Array], Any]:
    """A function of matrices (..., m, n) that calls LAPACK: on CPUs for one after another, also under `vmap`."""
    of_one = custom_vmap(function)

    @of_one.def_vmap
    def of_many(size: int, batched: Any, matrices: jax.Array) -> tuple[Any, Any]:
        found = jax.lax.map(of_one, matrices) if jax.default_backend() == "cpu" else of_one(matrices)
        return found, jax.tree.map(lambda _: True, found)

    def of_any(matrices: jax.Array) -> Any:
        call: Callable[[jax.Array], Any] = of_one
        for _ in range(matrices.ndim - 2):
            call = jax.vmap(call)
        return call(matrices)

    return of_any


@one_by_one
def svd(matrix: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Left singular vectors in columns, singular values, right singular vectors in rows."""
    left, values, right = jnp.linalg.svd(matrix, full_matrices=False)
    return left, values, right


@one_by_one
def eigh(matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Eigenvalues of a symmetric matrix, the least first, and eigenvectors in columns."""
    values, vectors = jnp.linalg.eigh(matrix)
    return values, vectors


@one_by_one
def orthonormal_columns(matrix: jax.Array) -> jax.Array:
    """The orthonormal factor of a QR decomposition."""
    return jnp.linalg.qr(matrix)[0]


@one_by_one
def triangular_factor(matrix: jax.Array) -> jax.Array:
    """The triangular factor of a QR decomposition."""
    return jnp.linalg.qr(matrix, mode="r")
