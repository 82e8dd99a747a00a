"""Newton-Schulz iterations: odd polynomials of a matrix that bring its singular values to 1."""

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from optax_zoo.primitives.coefficients import Triple

Carry: TypeAlias = tuple[jax.Array, jax.Array, jax.Array]
GROWTH = 1000.0  # of small eigenvalues of the Gram matrix, and of the rounding errors in them


def iterated(x: jax.Array, table: Sequence[Triple]) -> jax.Array:
    """X <- a X + (b X X^T + c (X X^T)^2) X for each a, b, c, of one matrix of Frobenius norm at most 1.

    Where that takes fewer multiplications, in float32 or wider, some iterations at a time are on the Gram matrix alone,
    see `runs`.
    """
    side, other = sorted(x.shape)
    if not side:
        return x
    lengths = runs(table)
    of_gram = sum(4 * other + (8 * n - 6) * side for n in lengths)
    narrow = jnp.finfo(x.dtype).eps > 1e-6
    if narrow or of_gram >= len(table) * (4 * other + 2 * side):
        lengths = [1] * len(table)
    rows = np.full((len(lengths), max(lengths), 3), table[-1])
    rows[np.arange(max(lengths)) < np.asarray(lengths)[:, None]] = table
    of_runs = (
        rows[0].tolist()
        if (rows == rows[0, 0]).all()
        else jnp.asarray(rows, jnp.promote_types(x.real.dtype, jnp.float32))
    )
    counts = None if min(lengths) == max(lengths) else jnp.asarray(lengths)

    def run(i: Any, x: jax.Array) -> jax.Array:
        own = of_runs if isinstance(of_runs, list) else of_runs[i]
        return _narrow_iteration(x, own[0]) if narrow else _run(x, own, None if counts is None else counts[i])

    # A loop even where there are few of them: XLA:CPU takes longer, and more memory, for many matrices side by side.
    return jax.lax.fori_loop(0, len(lengths), run, x)


def runs(table: Sequence[Triple]) -> list[int]:
    """How many iterations at a time go on the Gram matrix alone.

    Each makes rounding errors grow by a^2, as it does the small eigenvalues, so that the Gram matrix is taken anew of X
    before that has made `GROWTH` of them. What is left of the error is in docs/performance.md.
    """
    count = 1
    while True:
        parts = [list(part) for part in np.array_split(np.asarray(table), min(count, len(table)))]
        if count >= len(table) or all(math.prod(a * a for a, _, _ in part[:-1]) <= GROWTH for part in parts):
            return [len(part) for part in parts]
        count += 1


def _run(x: jax.Array, rows: Any, count: jax.Array | None) -> jax.Array:
    """Some iterations: Q X with the product Q of their polynomials of the Gram matrix of the shorter side.

    Args:
      x: the matrix X.
      rows: their coefficients.
      count: how many of them there are, the last or all; None for all.
    """
    wide = x.shape[-2] <= x.shape[-1]
    gram = x @ x.mT.conj() if wide else x.mT.conj() @ x

    def polynomial(i: int, gram: jax.Array) -> jax.Array:
        a, b, c = rows[i]
        return a * jnp.eye(len(gram), dtype=gram.dtype) + b * gram + c * (gram @ gram)

    q = p = polynomial(0, gram)
    for i in range(1, len(rows)):

        def iterate(gram: jax.Array, p: jax.Array, q: jax.Array, i: int = i) -> Carry:
            gram = p @ (gram @ p)
            p = polynomial(i, gram)
            return gram, p, p @ q

        if i == len(rows) - 1 and count is not None:
            gram, p, q = jax.lax.cond(i < count, iterate, lambda *carry: carry, gram, p, q)
        else:
            gram, p, q = iterate(gram, p, q)
    return q @ x if wide else x @ q


def rounded(x: jax.Array) -> jax.Array:
    """x rounded to its dtype, if that is bfloat16 or float16: XLA drops roundings between operations that it fuses."""
    kind = jnp.finfo(x.dtype)
    return jax.lax.reduce_precision(x, kind.nexp, kind.nmant) if kind.eps > 1e-6 else x


def _narrow_iteration(x: jax.Array, row: Any) -> jax.Array:
    """One iteration in bfloat16 or float16: sums of a matrix and a product are rounded once, as by PyTorch's addmm."""

    def plus(weight: Any, a: jax.Array, factor: Any, left: jax.Array, right: jax.Array) -> jax.Array:
        product = jnp.matmul(left, right, preferred_element_type=jnp.float32)
        return rounded((weight * a.astype(jnp.float32) + factor * product).astype(a.dtype))

    a, b, c = row
    wide = x.shape[-2] <= x.shape[-1]
    gram = rounded(x @ x.mT if wide else x.mT @ x)
    polynomial = plus(b, gram, c, gram, gram)
    return plus(a, x, 1.0, *((polynomial, x) if wide else (x, polynomial)))
