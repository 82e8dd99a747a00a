"""Random bits for rounding, at the cost of a few integer operations each."""

import math

import jax
import jax.numpy as jnp


def bits(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Uniformly distributed uint16 numbers: a hash of each place in an array and of a key that is drawn for it.

    `jax.random.bits` takes longer than a step of Adam on a CPU, and is not fused with what is around it.
    This is. Rounding needs numbers that are uniform and know nothing of those rounded, not more. They do not depend on
    how the array is laid out over devices. Beyond 2^32 places they repeat.
    """
    first, second = jax.random.bits(key, (2,), jnp.uint32)
    place = jnp.zeros(shape, jnp.uint32)
    for axis in range(len(shape)):
        stride = math.prod(shape[axis + 1 :]) % 2**32
        place += jax.lax.broadcasted_iota(jnp.uint32, shape, axis) * jnp.uint32(stride)
    return (_mixed(_mixed(place ^ first) + second) >> 16).astype(jnp.uint16)


def _mixed(x: jax.Array) -> jax.Array:
    """The finalizer of MurmurHash3: each bit of what it returns depends on each of x, and no two x give the same."""
    x = (x ^ (x >> 16)) * jnp.uint32(0x85EBCA6B)
    x = (x ^ (x >> 13)) * jnp.uint32(0xC2B2AE35)
    return x ^ (x >> 16)
