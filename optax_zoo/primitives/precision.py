"""Precision: statistics of low-precision gradients live in float32, updates come back in the gradient's dtype."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

PLAIN = (np.ndarray, np.generic, bool, int, float, complex)
DOUBLE = (np.dtype("float64"), np.dtype("complex128"))
REMEMBERED = 4096  # kinds of leaves whose statistics need no second look


def dtype_of(x: Any) -> Any:
    """The dtype that a leaf has in jax: of an array, of what stands for one, or of a Python number."""
    if isinstance(x, PLAIN):
        return jnp.result_type(x)  # without x64 less than NumPy's own
    dtype = getattr(x, "dtype", None)
    return jnp.zeros_like(x).dtype if dtype is None else dtype  # a reference to an array may have none


@functools.cache
def is_low(dtype: Any) -> bool:
    """Whether a dtype is a floating-point type narrower than float32."""
    return jnp.issubdtype(dtype, jnp.floating) and jnp.finfo(dtype).bits < 32


def lift(x: Any) -> jax.Array:
    """A leaf as an array, in float32 if its own dtype is narrower."""
    if isinstance(x, PLAIN) or not hasattr(x, "astype"):
        x = jnp.asarray(x)
    return x.astype(jnp.float32) if is_low(x.dtype) else x


def like(estimate: jax.Array, x: Any) -> jax.Array:
    """An estimate in the precision of the leaf it was made from (real estimates of complex leaves stay real)."""
    return in_dtype(estimate, _dtype_like(estimate.dtype, dtype_of(x)))


def in_dtype(x: jax.Array, dtype: Any) -> jax.Array:
    """An array in a dtype: itself where that is its own."""
    return x if x.dtype == dtype else x.astype(dtype)


def in_dtype_of(x: Any, before: Any) -> Any:
    """x in the dtype of another leaf: foreign parts fed in float32 would else let their states drift there."""
    return in_dtype(x, dtype_of(before))


def as_before(x: Any, before: Any) -> Any:
    """x in the dtype of another leaf, whose shape it must have."""
    if jnp.shape(x) != jnp.shape(before):
        raise ValueError(f"a leaf of shape {jnp.shape(before)} would become one of shape {jnp.shape(x)}.")
    dtype = getattr(before, "dtype", None)
    return x if x.dtype == dtype else x.astype(dtype_of(before))


def in_wider_dtype(u: Any, g: Any, p: Any) -> Any:
    """An update in the wider of the gradient's and the parameter's dtype."""
    return in_dtype(u, wider(dtype_of(g), dtype_of(p)))


@functools.cache
def _dtype_like(estimate: Any, dtype: Any) -> Any:
    keeps_real = jnp.issubdtype(dtype, jnp.complexfloating) and not jnp.issubdtype(estimate, jnp.complexfloating)
    return jnp.finfo(dtype).dtype if keeps_real else dtype


@functools.cache
def wider(first: Any, second: Any) -> Any:
    """The dtype that holds both, where promotion is strict, too."""
    with jax.numpy_dtype_promotion("standard"):
        return jnp.promote_types(first, second)


def weak_float(count: Any) -> Any:
    """A counter as a number that takes the dtype of what it meets, where promotion is strict, too."""
    with jax.numpy_dtype_promotion("standard"):
        return count * 1.0


def zeros_for(statistic: Any, x: Any, accumulator_dtype: Any = None) -> jax.Array:
    """Zeros in the shape of `statistic(x)`: in float32 or wider, or in `accumulator_dtype` (real statistics only)."""
    if not isinstance(x, (jax.Array, jax.ShapeDtypeStruct)) or getattr(x, "dtype", None) is None:
        x = jnp.zeros_like(x)
    shape, dtype = _kind_of(statistic, x.shape, x.dtype)
    real = jnp.issubdtype(dtype, jnp.floating)
    return zeros(x, shape, accumulator_dtype if accumulator_dtype is not None and real else dtype)


def zeros(x: Any, shape: tuple[int, ...], dtype: Any) -> jax.Array:
    """Zeros that follow the sharding of `x` where they have its shape, but for axes that are reduced to length 1."""
    if shape == x.shape:
        return jnp.zeros_like(x, dtype=dtype)
    reduced = tuple(axis for axis, (n, m) in enumerate(zip(shape, x.shape, strict=False)) if n != m)
    if len(shape) != len(x.shape) or len(reduced) == len(shape) or any(shape[axis] != 1 for axis in reduced):
        return jnp.zeros(shape, dtype)
    return jnp.zeros_like(x, dtype=dtype).sum(reduced, keepdims=True)


@functools.lru_cache(REMEMBERED)
def _kind_of(statistic: Any, shape: tuple[int, ...], dtype: Any) -> tuple[tuple[int, ...], Any]:
    """Shape and dtype of a statistic of a leaf."""
    struct = jax.eval_shape(lambda leaf: statistic(lift(leaf)), jax.ShapeDtypeStruct(shape, dtype))
    return struct.shape, struct.dtype


def shapes_by_leaf(function: Callable[[Any], Any], tree: Any) -> Any:
    """The shape and dtype of a function of each leaf, found once for all leaves of a kind."""
    kinds = functools.cache(lambda shape, dtype: jax.eval_shape(function, jax.ShapeDtypeStruct(shape, dtype)))
    return jax.tree.map(lambda x: kinds(jnp.shape(x), dtype_of(x)), tree)


def scalar_dtype(tree: Any) -> Any:
    """The dtype of a scalar that serves the whole tree: float32, or float64 where a leaf has that precision."""
    return jnp.float64 if any(dtype_of(leaf) in DOUBLE for leaf in jax.tree.leaves(tree)) else jnp.float32
