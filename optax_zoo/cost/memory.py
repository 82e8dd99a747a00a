"""Bytes on each device, from the shapes of the state and how it follows the parameters. Nothing is compiled."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.sharding import AbstractMesh, AxisType, NamedSharding, PartitionSpec

from optax_zoo.cost.mesh import local_shape
from optax_zoo.cost.models import AXES, Decoder

Leaves = tuple[tuple[jax.ShapeDtypeStruct, PartitionSpec], ...]


@dataclasses.dataclass(frozen=True)
class StateLayout:
    """The leaves of a model and of an optimizer's state for it, each with its layout on a mesh.

    The layers of a model are alike, so the state for its first layer alone and for its first two tells the rest:
    tracing `init` for all layers takes seconds and gives the same bytes.

    Attributes:
      params: shapes of the parameters, and their specs.
      state: for one layer and for two, shapes of the state, and their specs by `conformance.state_sharding`.
      layers: number of layers.
    """

    params: Leaves
    state: tuple[Leaves, Leaves]
    layers: int

    @classmethod
    def of(cls, tx: optax.GradientTransformation, model: Decoder, dtype: Any = jnp.float32) -> "StateLayout":
        """The layout of an optimizer's state for parameters of a dtype."""
        one, two = (_state(tx, dataclasses.replace(model, layers=layers), dtype) for layers in (1, 2))
        return cls(_paired(model.shapes(dtype), model.specs()), (one, two), model.layers)

    @property
    def state_bytes_per_parameter(self) -> float:
        """Bytes of the state before it is split, over the number of parameters."""
        return self._over_layers(lambda leaves: _bytes(leaves, 1)) / sum(math.prod(x.shape) for x, _ in self.params)

    def state_bytes(self, devices: int) -> int:
        """Bytes of state on each device."""
        return self._over_layers(lambda leaves: _bytes(leaves, devices))

    def total_bytes(self, devices: int) -> int:
        """Bytes of parameters, gradients of the same dtype, and state on each device."""
        return 2 * _bytes(self.params, devices) + self.state_bytes(devices)

    def _over_layers(self, measure: Callable[[Leaves], int]) -> int:
        one, two = map(measure, self.state)
        return one + (self.layers - 1) * (two - one)


def _state(tx: optax.GradientTransformation, model: Decoder, dtype: Any) -> Leaves:
    from optax_zoo.conformance.sharding import state_sharding

    mesh = AbstractMesh((1, 1), AXES, axis_types=(AxisType.Auto,) * len(AXES))
    shardings = jax.tree.map(lambda spec: NamedSharding(mesh, spec), model.specs())
    shapes = model.shapes(dtype)
    specs = jax.tree.map(lambda sharding: sharding.spec, state_sharding(tx, shapes, shardings))
    return _paired(jax.eval_shape(tx.init, shapes), specs)


def _paired(shapes: Any, specs: Any) -> Leaves:
    return tuple(zip(jax.tree.leaves(shapes), jax.tree.leaves(specs), strict=True))


def _bytes(leaves: Leaves, devices: int) -> int:
    """Bytes on each device."""
    return sum(math.prod(local_shape(x.shape, spec, devices)) * x.dtype.itemsize for x, spec in leaves)
