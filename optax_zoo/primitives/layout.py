"""Arrays on meshes of Explicit axes, where products of sharded matrices must be told what they are laid out as."""

from typing import Any

import jax
from jax.sharding import NamedSharding, PartitionSpec


def whole(x: Any) -> Any:
    """An array in one piece on every device, where the axes of its mesh are Explicit; elsewhere jax sees to it."""
    return jax.sharding.reshard(x, NamedSharding(jax.typeof(x).sharding.mesh, PartitionSpec())) if _is_split(x) else x


def laid_out_like(x: jax.Array, like: Any) -> jax.Array:
    """An array in one piece, split as another of its shape is."""
    return jax.sharding.reshard(x, jax.typeof(like).sharding) if _is_split(like) else x


def _is_split(x: Any) -> bool:
    return any(axis is not None for axis in jax.typeof(x).sharding.spec)
