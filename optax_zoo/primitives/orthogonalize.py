"""Orthogonalization of matrices, and the factor for their shape (Muon)."""

import math
from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.batched import batched
from optax_zoo.primitives.coefficients import KELLER_JORDAN, Coefficients, table_of
from optax_zoo.primitives.lapack import svd
from optax_zoo.primitives.layout import laid_out_like, whole
from optax_zoo.primitives.matrices import MatrixAxes, OutputAxes, init_for, is_of_shapes, matrix_axes, seen_as_matrices
from optax_zoo.primitives.newton_schulz import iterated
from optax_zoo.primitives.norms import normalize_by_norm
from optax_zoo.primitives.part import Rule, primitive, update_of
from optax_zoo.primitives.stacked import Stacked
from optax_zoo.primitives.types import DType, Scalar


@primitive
def orthogonalize(
    *,
    steps: int = 5,
    coefficients: Coefficients = KELLER_JORDAN,
    eps: Scalar = 1e-7,
    outputs: OutputAxes = "last",
    stacked: Stacked = None,
    dtype: DType = None,
) -> Rule:
    r"""Brings the singular values of each matrix near 1, by Newton-Schulz iterations (Muon).

    .. math::

        X_0 = \frac{G}{\|G\|_F + \epsilon}, \qquad X_{k+1} = a X_k + (b X_k X_k^T + c (X_k X_k^T)^2) X_k

    A leaf of more than two axes is seen as a matrix of its outputs and all other axes together. Equal matrices of many
    leaves are iterated together.

    Updates are finite for all finite ones. Singular values of 0 stay 0, and so do matrices of zeros or without rows.
    Small ones become a times as large in each iteration until they are near 1, so that those below some thousandths of
    the norm stay small after five, and so does all of a matrix whose norm is far below eps. One row or column becomes
    its direction, with a length near 1.

    Args:
      steps: how many iterations.
      coefficients: a, b and c; or those of each iteration, of which the last serves all further ones; or a name:
        "keller_jordan" (3.4445, -4.7750, 2.0315), Muon's, with which five bring all singular values from 0.005 on to
        0.7 to 1.2, and more come no nearer; "you_jiacheng", five that bring them to 0.8 to 1.2; "polar_express", which
        is `polar_express()`, eight to 1.
      eps: added to the Frobenius norm.
      outputs: which axes of a leaf have its outputs: "last" as in Flax, "first" as in PyTorch, a tuple of axes
        (negative ones from the end), `outputs_under(names)`, or a function of a leaf's path and the leaf that returns
        an end or a tuple.
      stacked: which axes of a leaf stack layers, each of which is a matrix of its own; see `normalize_by_norm`.
      dtype: what the iterations are computed in (bfloat16 in the authors' code); None for the update's, at least
        float32. In bfloat16 steps are off by some tenths in the spectral norm, as much as Muon's coefficients leave
        anyway; on CPUs it is no faster, on accelerators it has not been timed.

    Returns:
      A stateless transformation; it refuses leaves of less than two axes.

    Raises:
      ValueError: for a leaf that is not a matrix, with its path; if `outputs` or `stacked` give a leaf axes that it
        does not have.

    Source:
      K. Jordan et al. (2024): Muon: An optimizer for hidden layers in neural networks. "you_jiacheng" is of
      modded-nanogpt. With n at least some 1.5 m, iterations of a matrix m x n are on its Gram matrix m x m, as
      Amsel et al. (2025) have it, which is taken anew every few iterations: see `docs/performance.md`.
    """
    _checks.scalar("steps", steps, "at least 1", lambda n: n >= 1)
    init = init_for(outputs, stacked)
    table = table_of(coefficients, steps)
    normalize = update_of(normalize_by_norm("l2", eps=eps))

    def polar(matrix: jax.Array) -> jax.Array:
        x, _ = normalize(matrix, optax.EmptyState())
        return iterated(x if dtype is None else x.astype(dtype), table).astype(x.dtype)

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        return of_matrices(polar, updates, "orthogonalize", outputs, stacked), state

    return Rule(init, update, seen=seen_as_matrices(outputs, stacked))


@primitive
def polar_factor(*, tolerance: Scalar | None = None, outputs: OutputAxes = "last", stacked: Stacked = None) -> Rule:
    r"""Brings the singular values of each matrix to exactly 1, by a singular value decomposition: U V^T.

    It is what the iterations of `orthogonalize` come near to, and far slower. Directions without a singular value stay
    without one, so that a matrix of less than full rank becomes a partial isometry, a matrix of zeros stays, and
    updates are finite for all finite ones.

    Args:
      tolerance: singular values up to this part of the largest one count as 0; None stands for the rounding error of
        the dtype times the longer side.
      outputs: which axes of a leaf have its outputs, see `orthogonalize`.
      stacked: which axes of a leaf stack layers, each of which is a matrix of its own; see `normalize_by_norm`.

    Returns:
      A stateless transformation; it refuses leaves of less than two axes.

    Raises:
      ValueError: for a leaf that is not a matrix, with its path; if `outputs` or `stacked` give a leaf axes that it
        does not have.
    """
    init = init_for(outputs, stacked)
    normalize = update_of(normalize_by_norm("l2", eps=0.0))

    def polar(matrix: jax.Array) -> jax.Array:
        if not matrix.size:
            return matrix
        x, _ = normalize(matrix, optax.EmptyState())
        u, sizes, vh = svd(x)
        least = max(x.shape) * jnp.finfo(x.dtype).eps if tolerance is None else tolerance
        return (u * (sizes > least * jnp.max(sizes)).astype(x.dtype)) @ vh

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        return of_matrices(polar, updates, "polar_factor", outputs, stacked), state

    return Rule(init, update, seen=seen_as_matrices(outputs, stacked))


def of_matrices(
    function: Callable[..., jax.Array], updates: Any, part: str, outputs: OutputAxes, stacked: Stacked, *beside: Any
) -> Any:
    """A function of one matrix, and of those beside it in other trees, to one of its shape, equal ones together.

    Raises:
      ValueError: for a leaf that is not a matrix, with its path and the name of the part.
    """
    axes = matrix_axes(updates, outputs, stacked)
    for (path, x), seen in zip(jax.tree.leaves_with_path(updates), axes, strict=True):
        if not seen.is_matrix:
            raise ValueError(
                f"{part} needs matrices, but the leaf {jax.tree_util.keystr(path)} has the shape {x.shape}: "
                "give it to another optimizer with route(matrices=..., rest=...)."
            )
    leaves, treedef = jax.tree.flatten(updates)
    columns = [leaves, *(jax.tree.leaves(jax.tree.map(lambda _, x: x, updates, tree)) for tree in beside)]
    seen_so = [[seen.matrices(whole(x)) for x, seen in zip(column, axes, strict=True)] for column in columns]
    made = batched(function, *seen_so, splits=True)
    back = [laid_out_like(seen.leaf(m), x) for m, x, seen in zip(made, leaves, axes, strict=True)]
    return jax.tree.unflatten(treedef, back)


@primitive
def scale_by_shape(
    factor: Literal["spectral", "rms", "ratio"] = "spectral", *, outputs: OutputAxes = "last", stacked: Stacked = None
) -> Rule:
    r"""Multiplies orthogonal steps by a factor for the number of a matrix's inputs and outputs.

    Args:
      factor: "spectral": :math:`\sqrt{\max(1, n_{out} / n_{in})}` (Muon). "rms":
        :math:`0.2 \sqrt{\max(n_{out}, n_{in})}`, which gives a step the root mean square that one of AdamW has.
        "ratio": :math:`\sqrt{n_{out} / n_{in}}` (Dion).
      outputs: which axes of a leaf have its outputs, see `orthogonalize`.
      stacked: which axes of a leaf stack layers; see `normalize_by_norm`.

    Returns:
      A stateless transformation; leaves of less than two axes stay.

    Source:
      K. Jordan et al. (2024); J. Liu et al. (2025): Muon is Scalable for LLM Training, for "rms".
    """
    _checks.one_of("factor", factor, ["spectral", "rms", "ratio"])
    init = init_for(outputs, stacked)

    def of(axes: MatrixAxes) -> float:
        rows, columns = axes.rows, axes.columns
        if not (axes.is_matrix and rows and columns):
            return 1.0
        if factor == "rms":
            return 0.2 * math.sqrt(max(rows, columns))
        return math.sqrt(columns / rows if factor == "ratio" else max(1, columns / rows))

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        leaves, treedef = jax.tree.flatten(updates)
        of_leaves = zip(leaves, matrix_axes(updates, outputs, stacked), strict=True)
        return jax.tree.unflatten(treedef, [x * of(axes) for x, axes in of_leaves]), state

    return Rule(init, update, by_leaf=is_of_shapes(outputs, stacked))
