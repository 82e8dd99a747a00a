"""Rounding of float32 numbers to those of narrower types, which float32 has too: to the nearest, and by chance."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from optax_zoo.primitives.scale import power_of_two

CHANCES = 2**16  # how finely a chance is drawn: by uint16


def nearest(x: jax.Array, dtype: Any) -> jax.Array:
    """The nearest number of a floating-point type, ties to even, as a cast gives it, which XLA may leave out."""
    kind = jnp.finfo(dtype)
    if kind.nexp == jnp.finfo(x.dtype).nexp:
        return jax.lax.reduce_precision(x, kind.nexp, kind.nmant)
    unit = _unit(x, kind)
    rounded = jnp.round(x / unit) * unit
    return jnp.where(jnp.abs(rounded) <= float(kind.max), rounded, _beyond(x, dtype))


def stochastic(x: jax.Array, dtype: Any, bits: jax.Array) -> jax.Array:
    """One of the two neighbours of a number in a floating-point type, each the more likely the nearer it is.

    The mean over all bits is x, to 2^-17 of the distance of the two (exactly so for bfloat16). Where x is finite, so is
    what is returned: beyond the largest number of the type it is that one.

    Args:
      x: float32 numbers.
      dtype: of at most 16 bits.
      bits: uint16 numbers, uniformly distributed, in the shape of x.
    """
    kind = jnp.finfo(dtype)
    largest = float(kind.max)
    rounded = _as_many_exponents(x, bits) if kind.nexp == jnp.finfo(x.dtype).nexp else _fewer_exponents(x, kind, bits)
    return jnp.where(jnp.isfinite(x), jnp.clip(rounded, -largest, largest), _beyond(x, dtype))


def _as_many_exponents(x: jax.Array, bits: jax.Array) -> jax.Array:
    """bfloat16 is the upper half of float32: a sum with the lower half carries as often as that is large."""
    whole = jax.lax.bitcast_convert_type(x, jnp.uint32)
    return jax.lax.bitcast_convert_type((whole + bits.astype(jnp.uint32)) & jnp.uint32(0xFFFF0000), x.dtype)


def _fewer_exponents(x: jax.Array, kind: Any, bits: jax.Array) -> jax.Array:
    unit = _unit(x, kind)
    below = jnp.floor(x / unit)
    chance = (bits.astype(x.dtype) + 0.5) / CHANCES
    return (below + (chance < x / unit - below)) * unit


def _unit(x: jax.Array, kind: Any) -> jax.Array:
    """The distance of a type's numbers about x, which is that of its smallest normal number for all below it."""
    return jnp.maximum(power_of_two(x), float(kind.smallest_normal)) * 2.0**-kind.nmant


def _beyond(x: jax.Array, dtype: Any) -> jax.Array:
    """What stands for numbers too large for a type: its infinity, or NaN where it has none; NaN for NaN."""
    infinity = float(np.asarray(np.inf).astype(jnp.dtype(dtype)))
    return jnp.where(jnp.isnan(x), x, jnp.copysign(infinity, x))
