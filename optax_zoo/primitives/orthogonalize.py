"""Orthogonalization of matrices, and the factor for their shape (Muon)."""

import math
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from optax_zoo import _checks
from optax_zoo.primitives.layout import laid_out_like, whole
from optax_zoo.primitives.norms import normalize_by_norm
from optax_zoo.primitives.part import Rule, primitive, update_of
from optax_zoo.primitives.stacked import Stacked, check_stacked, init_for, stacked_axes
from optax_zoo.primitives.types import DType, Scalar

Coefficients: TypeAlias = tuple[float, float, float] | tuple[tuple[float, float, float], ...]
Outputs: TypeAlias = Literal["first", "last"]
KELLER_JORDAN: Coefficients = (3.4445, -4.7750, 2.0315)


@primitive
def orthogonalize(
    *,
    steps: int = 5,
    coefficients: Coefficients = KELLER_JORDAN,
    eps: Scalar = 1e-7,
    outputs: Outputs = "last",
    stacked: Stacked = None,
    dtype: DType = None,
) -> Rule:
    r"""Brings the singular values of each matrix near 1, by Newton-Schulz iterations (Muon).

    .. math::

        X_0 = \frac{G}{\|G\|_F + \epsilon}, \qquad X_{k+1} = a X_k + (b X_k X_k^T + c (X_k X_k^T)^2) X_k

    A leaf of more than two axes is seen as a matrix of its output axis and all others together.

    Args:
      steps: how many iterations.
      coefficients: a, b and c; or those of each iteration, of which the last serves all further ones. The default,
        Muon's, does not converge: it brings singular values to about 0.7 to 1.2 in few steps.
      eps: added to the Frobenius norm.
      outputs: which axis of a leaf has its outputs: "last" as in Flax, "first" as in PyTorch.
      stacked: which axes of a leaf stack layers, each of which is a matrix of its own; see `normalize_by_norm`.
      dtype: what the iterations are computed in (bfloat16 in the authors' code); None for the update's, at least
        float32.

    Returns:
      A stateless transformation; it refuses leaves of less than two axes.

    Raises:
      ValueError: for a leaf that is not a matrix, with its path.

    Source:
      K. Jordan et al. (2024): Muon: An optimizer for hidden layers in neural networks.
    """
    _checks.scalar("steps", steps, "at least 1", lambda n: n >= 1)
    _checks.one_of("outputs", outputs, ["first", "last"])
    check_stacked(stacked)
    table = np.atleast_2d(np.asarray(coefficients, np.float64))
    if table.ndim != 2 or table.shape[1] != 3:
        raise ValueError(f"coefficients is {coefficients!r}, but must be three numbers, or a tuple of such.")
    normalize = update_of(normalize_by_norm("l2", eps=eps, stacked=stacked))

    def polar(x: jax.Array) -> jax.Array:
        wide = x.shape[-2] > x.shape[-1]
        x = x.mT if wide else x

        def iterate(number: Any, x: jax.Array) -> jax.Array:
            a, b, c = jnp.asarray(table, x.real.dtype)[jnp.minimum(number, len(table) - 1)]
            squares = x @ x.mT.conj()
            return a * x + (b * squares + c * (squares @ squares)) @ x

        x = jax.lax.fori_loop(0, steps, iterate, x)
        return x.mT if wide else x

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        scaled, state = normalize(updates, state, params)
        leaves, treedef = jax.tree.flatten(scaled)

        def of_leaf(x: jax.Array, path: Any, layers: tuple[int, ...]) -> jax.Array:
            if x.ndim - len(layers) < 2:
                raise ValueError(
                    f"orthogonalize needs matrices, but the leaf {jax.tree_util.keystr(path)} has the shape {x.shape}: "
                    "give it to another optimizer with route(matrices=..., rest=...)."
                )
            seen = as_matrices(whole(x), outputs, layers)
            made = polar(seen if dtype is None else seen.astype(dtype)).astype(x.dtype)
            return laid_out_like(from_matrices(made, x, outputs, layers), x)

        paths = [path for path, _ in jax.tree.leaves_with_path(updates)]
        of_leaves = zip(leaves, paths, stacked_axes(stacked, updates), strict=True)
        return jax.tree.unflatten(treedef, [of_leaf(*each) for each in of_leaves]), state

    return Rule(init_for(stacked), update, by_leaf=stacked is None)


@primitive
def scale_by_shape(
    factor: Literal["spectral", "rms"] = "spectral", *, outputs: Outputs = "last", stacked: Stacked = None
) -> Rule:
    r"""Multiplies orthogonal steps by a factor for the number of a matrix's inputs and outputs.

    Args:
      factor: "spectral": :math:`\sqrt{\max(1, n_{out} / n_{in})}` (Muon). "rms":
        :math:`0.2 \sqrt{\max(n_{out}, n_{in})}`, which gives a step the root mean square that one of AdamW has.
      outputs: which axis of a leaf has its outputs, see `orthogonalize`.
      stacked: which axes of a leaf stack layers; see `normalize_by_norm`.

    Returns:
      A stateless transformation; leaves of less than two axes stay.

    Source:
      K. Jordan et al. (2024); J. Liu et al. (2025): Muon is Scalable for LLM Training, for "rms".
    """
    _checks.one_of("factor", factor, ["spectral", "rms"])
    _checks.one_of("outputs", outputs, ["first", "last"])
    check_stacked(stacked)

    def of(x: jax.Array, layers: tuple[int, ...]) -> float:
        rest = [n for axis, n in enumerate(x.shape) if axis not in layers]
        if len(rest) < 2 or not x.size:
            return 1.0
        n = rest[0 if outputs == "first" else -1]
        inputs = math.prod(rest) // n
        return math.sqrt(max(1, n / inputs)) if factor == "spectral" else 0.2 * math.sqrt(max(n, inputs))

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        leaves, treedef = jax.tree.flatten(updates)
        of_leaves = zip(leaves, stacked_axes(stacked, updates), strict=True)
        return jax.tree.unflatten(treedef, [x * of(x, layers) for x, layers in of_leaves]), state

    return Rule(init_for(stacked), update, by_leaf=stacked is None)


def as_matrices(x: jax.Array, outputs: Outputs, layers: tuple[int, ...]) -> jax.Array:
    """A leaf as matrices (layers, inputs, outputs)."""
    x = x.transpose(_order(x.ndim, outputs, layers))
    return x.reshape(*x.shape[: len(layers)], -1, x.shape[-1])


def from_matrices(matrices: jax.Array, like: jax.Array, outputs: Outputs, layers: tuple[int, ...]) -> jax.Array:
    """The leaf that matrices are of."""
    order = _order(like.ndim, outputs, layers)
    back = sorted(range(len(order)), key=order.__getitem__)
    return matrices.reshape([like.shape[axis] for axis in order]).transpose(back)


def _order(axes: int, outputs: Outputs, layers: tuple[int, ...]) -> list[int]:
    """The axes of a leaf: those that stack layers, the inputs, the outputs."""
    rest = [axis for axis in range(axes) if axis not in layers]
    return [*layers, *(rest if outputs == "last" else [*rest[1:], rest[0]])]
