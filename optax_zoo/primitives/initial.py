"""What accumulators start from, where that is not a constant."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from optax_zoo import _checks
from optax_zoo.primitives.expressions import expression
from optax_zoo.primitives.precision import dtype_of
from optax_zoo.primitives.types import Key, Scalar


@dataclasses.dataclass(frozen=True, eq=False)
class random_normal:  # noqa: N801  (used like an initializer function)
    """Independent normal draws, one key folded per leaf: the same key draws the same numbers.

    Two groups of an `optax.partition` that are given the same key draw the same numbers.

    Args:
      stddev: standard deviation, in the units of the accumulator.
      key: a `jax.random.key`, raw key data or an int seed; None stands for seed 0.
    """

    stddev: Scalar
    key: Key | None = None

    def __post_init__(self) -> None:
        _checks.non_negative("stddev", self.stddev)
        check_key(self.key)

    def __call__(self, zeros: Any) -> Any:
        key = jax.random.key(0) if self.key is None else wrap_key(self.key)
        leaves, treedef = jax.tree.flatten(zeros)

        def draw(index: int, leaf: jax.Array) -> jax.Array:
            noise = jax.random.normal(jax.random.fold_in(key, index), leaf.shape, leaf.dtype)
            return (self.stddev * noise).astype(leaf.dtype)

        return jax.tree.unflatten(treedef, [draw(index, leaf) for index, leaf in enumerate(leaves)])

    def __repr__(self) -> str:
        key = "" if self.key is None else ", key=key"
        return f"random_normal({expression(self.stddev, 'stddev')}{key})"


def check_key(key: Key | None) -> None:
    """Refuses what is no key."""
    if key is None:
        return
    if not (isinstance(key, int) or hasattr(key, "dtype")):
        raise TypeError(f"key is {key!r}, but must be a jax.random.key, key data or an int.")
    if jnp.issubdtype(dtype_of(key), jnp.floating):
        raise TypeError(
            "key is a floating-point array, but must be a jax.random.key, key data or an int; under "
            'optax.inject_hyperparams name it in static_args=("key",).'
        )


def wrap_key(key: Key) -> jax.Array:
    """A typed key from what a user may give: a typed key, raw key data or an int seed."""
    if isinstance(key, int) or (jnp.ndim(key) == 0 and jnp.issubdtype(key.dtype, jnp.integer)):
        return jax.random.key(key)
    return key if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) else jax.random.wrap_key_data(key)
