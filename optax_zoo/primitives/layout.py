"""Arrays on meshes of Explicit axes, where products of sharded matrices must be told what they are laid out as."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import NamedSharding, PartitionSpec


def whole(x: Any) -> Any:
    """An array in one piece on every device, where the axes of its mesh are Explicit; elsewhere jax sees to it."""
    return jax.sharding.reshard(x, NamedSharding(jax.typeof(x).sharding.mesh, PartitionSpec())) if _is_split(x) else x


def laid_out_like(x: jax.Array, like: Any) -> jax.Array:
    """An array in one piece, split as another of its shape is."""
    return jax.sharding.reshard(x, jax.typeof(like).sharding) if _is_split(like) else x


def _is_split(x: Any) -> bool:
    return any(axis is not None for axis in jax.typeof(x).sharding.spec)


def whole_rows(x: jax.Array) -> jax.Array:
    """Matrices whose rows are in one piece, split along their other axes as before."""
    if not _is_split(x):
        return x
    sharding = jax.typeof(x).sharding
    return jax.sharding.reshard(x, NamedSharding(sharding.mesh, PartitionSpec(*sharding.spec[:-1], None)))


def product(x: jax.Array, y: jax.Array) -> jax.Array:
    """x @ y, split along its rows as x is and along its columns as y is: over what they share devices are summed up."""
    if not (_is_split(x) or _is_split(y)):
        return x @ y
    of_x, of_y = jax.typeof(x).sharding, jax.typeof(y).sharding
    spec = PartitionSpec(*of_x.spec[:-1], of_y.spec[-1])
    return jnp.matmul(x, y, out_sharding=NamedSharding(of_x.mesh, spec))
