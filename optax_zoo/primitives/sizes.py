"""Measuring arrays by a norm: over a reduction or one array, scaled so that it can be represented."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from optax_zoo.primitives.overflow import largest_base
from optax_zoo.primitives.reductions import Reduction
from optax_zoo.primitives.scale import Scale, by_largest
from optax_zoo.primitives.stacked import of_layers
from optax_zoo.primitives.types import AxisName

Norm = Callable[[Any], jax.Array]


class Size(NamedTuple):
    """What arrays are measured by: numbers, or of stacked layers arrays that broadcast against the leaf.

    Attributes:
      norm: the norm of the arrays times `scale`.
      scale: a power of two, or None where the norm is that of the arrays as they are.
      least: the least norm that scaled arrays can be divided by.
    """

    norm: jax.Array
    scale: Any
    least: float


def norm_of(size: Size) -> jax.Array:
    """The norm itself, where it can be represented."""
    return size.norm if size.scale is None else size.norm / size.scale


def finite_norm(size: Size) -> jax.Array:
    """The norm of the arrays as they are, but 2^120 at most (2^1016 in float64)."""
    norm = norm_of(size)
    return jnp.minimum(norm, largest_base(norm.dtype, 1))


def is_over_reduction(fn: Norm) -> bool:
    """Whether a norm is written over a `Reduction`, and not over one array."""
    return list(inspect.signature(fn).parameters) == ["over"]


def measured_by(
    name: str, fn: Norm, scale_of: Scale | None
) -> Callable[[Sequence[jax.Array], Sequence[AxisName], tuple[int, ...]], Size]:
    """A function from arrays, their mesh axes and the axes that stack layers to the size of the arrays together."""
    over_reduction = is_over_reduction(fn)

    def size_of(arrays: Sequence[jax.Array], axis_names: Sequence[AxisName], axes: tuple[int, ...]) -> Size:
        arrays = [_inexact(x) for x in arrays]
        over = Reduction(arrays, axis_names, axes)
        find = by_largest if scale_of is not None and over.is_complex else scale_of  # moduli are roots of squares
        if find is not None:
            over = Reduction(arrays, axis_names, axes, find(over))
        x = arrays[0] if over.scale is None else arrays[0] * over.scale
        norm = fn(over) if over_reduction else of_layers(fn, x, axes)
        if jnp.shape(norm) != over.shape:
            raise ValueError(f"norm {name!r} returned shape {jnp.shape(norm)}, but must return the norm, a scalar.")
        tiny = float(jnp.finfo(over.dtype).tiny)
        return Size(norm, over.scale, tiny * (2.0**18 if find is by_largest else 1))

    return size_of


def _inexact(x: jax.Array) -> jax.Array:
    return x if jnp.issubdtype(x.dtype, jnp.inexact) else x.astype(jnp.float32)
