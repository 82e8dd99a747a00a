"""Inverse roots of positive semidefinite matrices: by their eigenvalues, and by products of matrices alone."""

import dataclasses
from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp

from optax_zoo import _checks
from optax_zoo.primitives.expressions import number_expression
from optax_zoo.primitives.lapack import eigh
from optax_zoo.primitives.types import Scalar

InverseRoot: TypeAlias = Callable[[jax.Array, Scalar], jax.Array]  # from a matrix and the order p to A^(-1/p)


def eigh_root(matrix: jax.Array, order: Scalar) -> jax.Array:
    """A^(-1/order) by an eigendecomposition, in which no eigenvalue is less than the rounding error of the largest."""
    values, vectors = eigh(matrix)
    limits = jnp.finfo(values.dtype)
    least = jnp.maximum(values[-1] * limits.eps, limits.tiny)
    roots = jnp.maximum(values, least) ** (-1 / order)
    return (vectors * roots[None]) @ vectors.conj().T


@dataclasses.dataclass(frozen=True)
class coupled_newton:  # noqa: N801  (used like a function)
    """A^(-1/order) by the coupled Newton iteration, products of matrices alone: fast where eigendecompositions are not.

    Args:
      ridge: the multiple of the largest eigenvalue that is added to all, at least 0.
      tolerance: how near to 0 the largest element of A X^order - I must come, above 0.
      steps: the most iterations, at least 1; earlier they end where the error grows by a fifth.

    Source:
      C.-H. Guo, N. J. Higham (2006): A Schur-Newton method for the matrix pth root and its inverse. R. Anil et al.
      (2020), who stop at 1e-6.
    """

    ridge: float = 1e-6
    tolerance: float = 1e-6
    steps: int = 100

    def __post_init__(self) -> None:
        _checks.non_negative("ridge", self.ridge)
        _checks.positive("tolerance", self.tolerance)
        _checks.whole("steps", self.steps)

    def __call__(self, matrix: jax.Array, order: Scalar) -> jax.Array:
        _checks.whole("root", order)
        limits, order = jnp.finfo(matrix.dtype), int(order)
        unit = jnp.maximum(jnp.max(jnp.abs(matrix), initial=0), limits.tiny)
        shift = unit ** (-1 / order)
        if len(matrix) == 1:
            return (jnp.ones_like(matrix) * (1 + self.ridge) ** (-1 / order) * shift).astype(matrix.dtype)
        identity = jnp.eye(len(matrix), dtype=matrix.dtype)
        scaled = matrix / unit
        scaled = jnp.where(jnp.max(jnp.abs(scaled)) < 0.5, identity, scaled)  # of what is 0, or too small to divide
        return self._of_scaled(scaled + self.ridge * _largest_eigenvalue(scaled) * identity, identity, order) * shift

    def _of_scaled(self, a: jax.Array, identity: jax.Array, order: int) -> jax.Array:
        z = (1 + order) / (2 * jnp.linalg.norm(a))
        first = identity * z ** (1 / order)

        def goes_on(carry: Any) -> jax.Array:
            return carry[-1]

        def improved(carry: Any) -> Any:
            root, product, error, step, _ = carry
            factor = (1 + 1 / order) * identity - product / order
            new_product = jnp.linalg.matrix_power(factor, order) @ product
            new_error = jnp.max(jnp.abs(new_product - identity))
            worse = new_error > 1.2 * error
            root = jnp.where(worse, root, root @ factor)
            unfinished = ~worse & (new_error > self.tolerance) & (step + 1 < self.steps)
            return root, new_product, new_error, step + 1, unfinished

        product = a * z
        start = first, product, jnp.max(jnp.abs(product - identity)), jnp.int32(0), jnp.bool_(True)
        return jax.lax.while_loop(goes_on, improved, start)[0]

    def __repr__(self) -> str:
        given = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        own = {name: value for name, value in given.items() if value != getattr(type(self), name)}
        return f"coupled_newton({', '.join(f'{name}={number_expression(value)}' for name, value in own.items())})"


def _largest_eigenvalue(matrix: jax.Array) -> jax.Array:
    """By 100 steps of the power method, from the longest column."""
    lengths = jnp.sum(jnp.abs(matrix) ** 2, axis=0)

    def improved(_: jax.Array, vector: jax.Array) -> jax.Array:
        product = matrix @ vector
        return product / jnp.linalg.norm(product)

    longest = matrix[:, jnp.argmax(lengths)]
    vector = jax.lax.fori_loop(0, 100, improved, longest / jnp.linalg.norm(longest))
    return jnp.vdot(vector, matrix @ vector).real
