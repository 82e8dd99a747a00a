"""Bytes and collectives of optimizers, on models and meshes."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.cost.collectives import Collective, Collectives, require_devices
from optax_zoo.cost.memory import StateLayout
from optax_zoo.cost.mesh import mesh_shape, refuse_unless_divided
from optax_zoo.cost.models import MODELS
from optax_zoo.spelling import read

DEVICES = (8, 256, 1024)  # those of `optax-zoo cost --all`


@dataclasses.dataclass(frozen=True)
class Row:
    """What one optimizer costs on one model and one mesh.

    Attributes:
      optimizer: its name.
      model: name of the model.
      parameters: number of its parameters.
      param_dtype: dtype of parameters and gradients.
      devices: number of devices.
      mesh: lengths of the axes "data" and "model".
      state_bytes_per_parameter: bytes of state before it is split, over the number of parameters.
      state_bytes: bytes of state on each device.
      total_bytes: bytes of parameters, gradients and state on each device.
      collectives: those of a step, by kind.
    """

    optimizer: str
    model: str
    parameters: int
    param_dtype: str
    devices: int
    mesh: tuple[int, int]
    state_bytes_per_parameter: float
    state_bytes: int
    total_bytes: int
    collectives: tuple[Collective, ...]


def rows(
    optimizers: Mapping[str, optax.GradientTransformation] | Iterable[str],
    models: Iterable[str] = tuple(MODELS),
    devices: Iterable[int] = DEVICES,
    dtype: Any = jnp.float32,
) -> Iterator[Row]:
    """What optimizers cost: a row for each of them, each model and each number of devices, one after another.

    Args:
      optimizers: a mapping by name, or just names, as `optax_zoo.spelling.read` takes them.
      models: names in `MODELS`.
      devices: numbers of devices, see `mesh_shape`.
      dtype: of parameters and gradients.

    Raises:
      ValueError: for an unknown model, a mesh that does not divide its parameters, fewer than 8 CPU devices to compile
        for, or an optimizer that fails.
    """
    if not isinstance(optimizers, Mapping):
        optimizers = {name: read(name).make() for name in optimizers}
    models, devices = list(models), list(devices)
    for model in models:
        _checks.one_of("model", model, MODELS)
        for count in devices:
            refuse_unless_divided(model, MODELS[model], count)
    if max(devices, default=1) > 1:
        require_devices()
    return _rows(optimizers, models, devices, dtype)


def _rows(
    optimizers: Mapping[str, optax.GradientTransformation], models: list[str], devices: list[int], dtype: Any
) -> Iterator[Row]:
    for name, tx in optimizers.items():
        try:
            yield from _of(name, tx, models, devices, dtype)
        except Exception as error:  # whatever a user's optimizer does
            reason = (f"{type(error).__name__}: {error}".splitlines() or [""])[0]
            raise ValueError(f"optimizer {name!r} fails on a model: {reason}") from error


def _of(
    name: str, tx: optax.GradientTransformation, models: list[str], devices: list[int], dtype: Any
) -> Iterator[Row]:
    collectives = Collectives(tx, dtype)
    for model in models:
        layout = StateLayout.of(tx, MODELS[model], dtype)
        for count in devices:
            yield Row(
                name,
                model,
                MODELS[model].parameters,
                jnp.dtype(dtype).name,
                count,
                mesh_shape(count),
                layout.state_bytes_per_parameter,
                layout.state_bytes(count),
                layout.total_bytes(count),
                collectives.of(MODELS[model], count),
            )
