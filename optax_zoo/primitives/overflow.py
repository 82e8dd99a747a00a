"""Overflow: no finite gradient leads to infinity minus infinity, or over infinity.

Where squares are averaged, an element of a gradient whose square would overflow counts as the largest that is safe, an
infinite one too. So the averages stay finite, and get over a huge gradient as their decay says. NaN is handed on.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp

from optax_zoo.primitives.factors import covered_shapes


@functools.cache
def largest_base(dtype: jax.typing.DTypeLike, power: int = 2) -> float:
    """The power of 2 that can be raised to `power`, and 256 of these be summed: 2^60 for squares in float32."""
    return float(2.0 ** ((int(jnp.finfo(dtype).maxexp) - 8) // power))


@functools.partial(jax.jit, static_argnames="power", inline=True)
def bounded(x: jax.Array, power: int = 2) -> jax.Array:
    """x clipped to where its `power`-th power is safe; real and imaginary part each. Integers stay."""
    if jnp.iscomplexobj(x):
        return jax.lax.complex(bounded(x.real, power), bounded(x.imag, power))
    if not jnp.issubdtype(x.dtype, jnp.floating):
        return x
    # One use of x: where it was compared as well, XLA would keep the result, which several kernels read.
    return jnp.clip(x, -largest_base(x.dtype, power), largest_base(x.dtype, power))


def bounded_beside(updates: Any, state: Any) -> Any:
    """Updates bounded where a state has numbers for each of their elements; a statistic of whole leaves sees all."""
    shapes = covered_shapes(state)
    return jax.tree.map(lambda x: bounded(x) if jnp.shape(x) in shapes else x, updates)
