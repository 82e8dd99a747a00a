"""From a number of devices to a mesh."""

import math

import jax
from jax.sharding import PartitionSpec

from optax_zoo.cost.models import AXES, Decoder

HOST = 8  # devices that share fast links


def mesh_shape(devices: int) -> tuple[int, int]:
    """The lengths of the axes "data" and "model" of a mesh.

    "model" is the largest divisor of the number of devices that is at most 8, one host's, and at most its root; "data"
    is the rest.

    Raises:
      ValueError: for a number that is not a positive integer.

    Example:
      >>> mesh_shape(8), mesh_shape(256), mesh_shape(1024)
      ((4, 2), (32, 8), (128, 8))
    """
    if isinstance(devices, bool) or not isinstance(devices, int) or devices < 1:
        raise ValueError(f"mesh is {devices!r}, but must be a number of devices, at least 1.")
    model = max(d for d in range(1, HOST + 1) if devices % d == 0 and d * d <= devices)
    return devices // model, model


def local_shape(shape: tuple[int, ...], spec: PartitionSpec, devices: int) -> tuple[int, ...]:
    """The shape of what one device holds of an array."""
    return tuple(-(-n // split) for n, split in zip(shape, _splits(len(shape), spec, devices), strict=True))


def refuse_unless_divided(name: str, model: Decoder, devices: int) -> None:
    """Refuses a mesh that does not divide a parameter of a model into equal parts.

    Raises:
      ValueError: if there is one; the sentence names it.
    """
    data, across = mesh_shape(devices)
    leaves = jax.tree.leaves_with_path(model.shapes())
    for (path, leaf), spec in zip(leaves, jax.tree.leaves(model.specs()), strict=True):
        splits = _splits(len(leaf.shape), spec, devices)
        if any(n % split for n, split in zip(leaf.shape, splits, strict=True)):
            where = jax.tree_util.keystr(path, simple=True, separator="/")
            raise ValueError(
                f"mesh is {devices}, {data} x {across} devices, but must divide the parameters of {name}: {where} is "
                f"{' x '.join(map(str, leaf.shape))} and would be split into {' x '.join(map(str, splits))}."
            )


def _splits(ndim: int, spec: PartitionSpec, devices: int) -> tuple[int, ...]:
    """The number of parts that each dimension is split into."""
    lengths = dict(zip(AXES, mesh_shape(devices), strict=True))
    names = [entry if isinstance(entry, tuple) else (entry,) for entry in (*spec, *[None] * (ndim - len(spec)))]
    return tuple(math.prod(lengths[name] for name in group if name is not None) for group in names)
