"""Precision: statistics of low-precision gradients live in float32, updates come back in the gradient's dtype."""

from typing import Any

import jax
import jax.numpy as jnp


def dtype_of(x: Any) -> Any:
    """The dtype that a leaf has in jax: of an array, a ShapeDtypeStruct, a NumPy array or a Python number."""
    return x.dtype if isinstance(x, (jax.Array, jax.ShapeDtypeStruct)) else jnp.result_type(x)


def is_low(dtype: Any) -> bool:
    """Whether a dtype is a floating-point type narrower than float32."""
    return jnp.issubdtype(dtype, jnp.floating) and jnp.finfo(dtype).bits < 32


def lift(x: Any) -> jax.Array:
    """A leaf as an array, in float32 if its own dtype is narrower."""
    x = jnp.asarray(x)
    return x.astype(jnp.float32) if is_low(x.dtype) else x


def like(estimate: jax.Array, x: Any) -> jax.Array:
    """An estimate in the precision of the leaf it was made from (real estimates of complex leaves stay real)."""
    dtype = dtype_of(x)
    if jnp.issubdtype(dtype, jnp.complexfloating) and not jnp.iscomplexobj(estimate):
        dtype = jnp.finfo(dtype).dtype
    return estimate.astype(dtype)


def zeros_for(statistic: Any, x: Any, accumulator_dtype: Any = None) -> jax.Array:
    """Zeros in the shape of `statistic(x)`: in float32 or wider, or in `accumulator_dtype` (real statistics only)."""
    struct = jax.eval_shape(lambda leaf: statistic(lift(leaf)), x)
    real = jnp.issubdtype(struct.dtype, jnp.floating)
    return zeros(x, struct.shape, accumulator_dtype if accumulator_dtype is not None and real else struct.dtype)


def zeros(x: Any, shape: tuple[int, ...], dtype: Any) -> jax.Array:
    """Zeros that follow the sharding of `x` where they have its shape."""
    return jnp.zeros_like(x, dtype=dtype) if shape == jnp.shape(x) else jnp.zeros(shape, dtype)


def scalar_dtype(tree: Any) -> Any:
    """The dtype of a scalar that serves the whole tree: float32, or float64 where a leaf has that precision."""
    inexact = [dtype_of(leaf) for leaf in jax.tree.leaves(tree) if jnp.issubdtype(dtype_of(leaf), jnp.inexact)]
    return jnp.float64 if any(jnp.finfo(dtype).bits == 64 for dtype in inexact) else jnp.float32
