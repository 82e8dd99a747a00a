"""Powers of two that leaves are measured at, so that no sum and no square of a finite entry overflows or vanishes.

They are exact, so that a norm over a scaled leaf has the same digits, and a norm does not depend on them, so that no
derivative passes through them.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from optax_zoo.primitives.reductions import Reduction

Scale = Callable[[Reduction], Any]


def by_largest(over: Reduction) -> jax.Array:
    """The scale at which the largest entry is in [2^16, 2^17): for norms that raise to powers. It takes a pass more.

    In float32 it is from 2^-111 to 2^100, so that its products with constants can be represented: XLA makes them, also
    with those that a loss was multiplied by. Of zeros it is 1, as XLA squares it where they are constants.
    """
    largest = over.max(lambda x: jax.lax.stop_gradient(_largest_part(x)))
    finfo = jnp.finfo(largest.dtype)
    least = jnp.where(largest == 0, 2.0**16, float(finfo.tiny) * 2.0**42)
    scale = 2.0**16 / jnp.clip(power_of_two(largest), least, power_of_two(finfo.max))
    return jax.lax.stop_gradient(scale)


def by_count(over: Reduction) -> jax.Array:
    """The scale at which no sum over the entries overflows: for sums of sizes, in the same pass.

    It is a constant, below 1 / (4 n) for n entries; sizes below 1e-38 n (in float32) vanish.
    """
    return jnp.asarray(2.0 ** -(4 * over.count).bit_length(), over.dtype)


def quartered(over: Reduction) -> jax.Array:
    """The scale at which an entry can be divided by: XLA multiplies by the inverse, which must not be subnormal."""
    return jnp.asarray(0.25, over.dtype)


def _largest_part(x: jax.Array) -> jax.Array:
    """|x|, of a complex number that of its larger part: the modulus can overflow."""
    return jnp.maximum(jnp.abs(x.real), jnp.abs(x.imag)) if jnp.iscomplexobj(x) else jnp.abs(x)


def power_of_two(x: Any) -> jax.Array:
    """The largest power of two up to the size of a number: its exponent bits. 0 for subnormal numbers."""
    x = jnp.asarray(x)
    integer = f"uint{8 * x.dtype.itemsize}"
    exponent = jax.lax.bitcast_convert_type(jnp.array(jnp.inf, x.dtype), integer)
    return jax.lax.bitcast_convert_type(jax.lax.bitcast_convert_type(x, integer) & exponent, x.dtype)
