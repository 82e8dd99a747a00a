"""Collectives of a step, read from the program that XLA compiles for 8 devices."""

import contextlib
import dataclasses
from collections import defaultdict
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import AxisType, Mesh, NamedSharding

from optax_zoo.cost.executed import executed
from optax_zoo.cost.mesh import mesh_shape
from optax_zoo.cost.models import AXES, Decoder, small

COMPILED_FOR = 8
FEW = 16  # elements of an operand whose size does not depend on that of its parameter
QUICKLY: dict[str, str | bool] = {"xla_backend_optimization_level": "0"}  # of machine code that is never run

# What jax.lax.optimization_barrier puts in order stays so on accelerators. Before jax 0.12 XLA:CPU drops barriers, and
# then schedules; compiled with these options it keeps them.
IN_ORDER: dict[str, str | bool] = (
    {"xla_disable_hlo_passes": "cse_barrier_expander"} if jax.__version_info__ < (0, 12) else {}
)


@dataclasses.dataclass(frozen=True)
class Collective:
    """The collectives of one kind in a step.

    Attributes:
      kind: as HLO names it: all-reduce, all-gather ...
      count: arrays that are communicated, those in loops as often as they turn. XLA may combine several into one
        operation.
      bytes: their total size.
    """

    kind: str
    count: int
    bytes: int


class Collectives:
    """Counts the collectives of an optimizer's step, and compiles each program once.

    Args:
      tx: the optimizer.
      dtype: of parameters and gradients.
    """

    def __init__(self, tx: optax.GradientTransformation, dtype: Any = jnp.float32):
        self._tx = optax.with_extra_args_support(tx)
        self._dtype = dtype
        self._counted: dict[tuple[int, tuple[int, int]], dict[tuple[str, bool], tuple[int, int]]] = {}

    def of(self, model: Decoder, devices: int) -> tuple[Collective, ...]:
        """Those of a step on a mesh of any number of devices.

        Programs for 8 devices and for the leaves of one layer and of two, at a small width, say how many arrays are
        communicated per layer and how many in addition. Scalars keep their size; arrays of more than 16 elements are
        taken to grow with the number of parameters.
        """
        if devices == 1:
            return ()
        shape = mesh_shape(COMPILED_FOR) if min(mesh_shape(devices)) > 1 else (COMPILED_FOR, 1)
        one = self._count(1, shape)
        if not one:  # then a second layer, of the same leaves as the first, has none either
            return ()
        two = self._count(2, shape)
        further = model.layers - 1
        growth = model.parameters / small(model.layers).parameters
        totals: dict[str, tuple[int, int]] = {}
        for key in sorted({*one, *two}):
            kind, large = key
            (count, size), (count_two, size_two) = one.get(key, (0, 0)), two.get(key, (0, 0))
            count += further * (count_two - count)
            size += further * (size_two - size)
            before = totals.get(kind, (0, 0))
            totals[kind] = before[0] + count, before[1] + round(size * (growth if large else 1))
        return tuple(Collective(kind, *total) for kind, total in totals.items())

    def _count(self, layers: int, shape: tuple[int, int]) -> dict[tuple[str, bool], tuple[int, int]]:
        """The `tally` of a model of so many layers."""
        if (layers, shape) not in self._counted:
            self._counted[layers, shape] = tally(self.compiled_text(small(layers), shape))
        return self._counted[layers, shape]

    def compiled_text(self, model: Decoder, shape: tuple[int, int]) -> str:
        """The text of a compiled step of a model."""
        from optax_zoo.conformance.sharding import state_sharding
        from optax_zoo.conformance.subject import KNOWN

        mesh = Mesh(np.array(require_devices()).reshape(shape), AXES, axis_types=(AxisType.Auto,) * len(AXES))
        params = model.shapes(self._dtype)
        shardings = jax.tree.map(lambda spec: NamedSharding(mesh, spec), model.specs())
        shardings = shardings, state_sharding(self._tx, params, shardings)

        def step(params: Any, state: Any, grads: Any) -> tuple[Any, Any]:
            extra = {name: make(params, grads) for name, make in KNOWN.items()}
            updates, state = self._tx.update(grads, state, params, **extra)
            return optax.apply_updates(params, updates), state

        inputs = jax.tree.map(_placed, (params, jax.eval_shape(self._tx.init, params)), shardings)
        lowered = jax.jit(step, out_shardings=shardings).lower(*inputs, inputs[0])
        return lowered.compile(compiler_options=QUICKLY).as_text() or ""


def collectives_of(
    tx: optax.GradientTransformation, model: Decoder, devices: int, dtype: Any = jnp.float32
) -> tuple[Collective, ...]:
    """The collectives of a step of an optimizer on a model whose parameters are split over all devices.

    Raises:
      ValueError: if jax has fewer than 8 CPU devices.
    """
    return Collectives(tx, dtype).of(model, devices)


def split_cpu() -> None:
    """Splits the CPU into 8 devices, if jax has not started yet.

    Raises:
      ValueError: if it has started with fewer.
    """
    with contextlib.suppress(RuntimeError):  # it has started
        jax.config.update("jax_num_cpu_devices", COMPILED_FOR)
    require_devices()


def require_devices() -> list[Any]:
    """The 8 CPU devices that programs are compiled for.

    Raises:
      ValueError: if jax has fewer.
    """
    try:
        found = jax.devices("cpu")
    except (RuntimeError, AssertionError) as error:  # the latter without a message if JAX_PLATFORMS leaves the CPU out
        raise ValueError("collectives are counted on the CPU, but JAX_PLATFORMS keeps jax from using it.") from error
    if len(found) < COMPILED_FOR:
        raise ValueError(
            f"collectives are counted in a program for {COMPILED_FOR} CPU devices, but jax has started with "
            f'{len(found)}: call jax.config.update("jax_num_cpu_devices", {COMPILED_FOR}) first.'
        )
    return found[:COMPILED_FOR]


def tally(text: str) -> dict[tuple[str, bool], tuple[int, int]]:
    """Number and bytes of the collectives in the text of a program, by kind and by whether the arrays are large."""
    found: defaultdict[tuple[str, bool], list[int]] = defaultdict(lambda: [0, 0])
    for each, times in executed(text).items():
        totals = found[each.kind, each.elements > FEW]
        totals[0] += times
        totals[1] += times * each.bytes
    return {key: (count, size) for key, (count, size) in found.items()}


def _placed(x: Any, sharding: NamedSharding) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding)
