"""Statistics that accumulators average: functions of one leaf, whose result's shape sets the granularity."""

import dataclasses

import jax
import jax.numpy as jnp

from optax_zoo.primitives.types import Statistic


def identity(x: jax.Array) -> jax.Array:
    """The gradient itself."""
    return x


def square(x: jax.Array) -> jax.Array:
    """Elementwise square; of a complex leaf the squared modulus, which is real."""
    return (x * x.conj()).real if jnp.iscomplexobj(x) else x * x


def absolute(x: jax.Array) -> jax.Array:
    """Elementwise absolute value; of a complex leaf the modulus, which is real."""
    return jnp.abs(x)


@dataclasses.dataclass(frozen=True)
class leaf_sum:  # noqa: N801  (used like the functions above)
    """The sum of an elementwise statistic over a leaf: one scalar a leaf (layer-wise methods).

    Args:
      of: the elementwise statistic, e.g. `square` for the squared l2 norm of the leaf.
    """

    of: Statistic

    def __call__(self, x: jax.Array) -> jax.Array:
        return jnp.sum(self.of(x))

    def __repr__(self) -> str:
        return f"leaf_sum({self.of.__name__})"
