"""How the trials of a batch share the devices."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from optax_zoo.race.settings import Settings
from optax_zoo.race.storage.batches import Trials
from optax_zoo.running.errors import RaceError

AXIS = "trials"
# Trials that a device runs one after the other in a call, whose overhead is nothing beside two; a kill loses no more.
IN_TURN = 2


@dataclasses.dataclass(frozen=True)
class Layout:
    """Trials over devices: each device runs its share of a batch on its own.

    A device always runs the same program, so that the numbers do not depend on how many devices there are.

    Attributes:
      mesh: the devices, along one axis; perhaps those of several processes.
      per_device: trials of a batch on each device.
      vectorized: whether these are one vectorized computation (`jax.vmap`); otherwise they are one after the other
        (`jax.lax.map`).
    """

    mesh: Mesh
    per_device: int
    vectorized: bool

    @property
    def width(self) -> int:
        """Trials of a batch."""
        return self.per_device * self.mesh.size

    def trace(self, trial: Callable[..., Trials], start: Any, arguments: Sequence[np.ndarray]) -> Any:
        """The program that runs a batch, traced."""

        def share(start: Any, *arguments: jax.Array) -> Trials:
            if self.vectorized:
                return jax.vmap(lambda *each: trial(start, *each))(*arguments)
            return jax.lax.map(lambda each: trial(start, *each), arguments)

        over = PartitionSpec(AXIS)
        program = jax.shard_map(
            share, mesh=self.mesh, in_specs=(PartitionSpec(), *[over] * len(arguments)), out_specs=over, check_vma=False
        )
        return jax.jit(program).trace(start, *self.place(arguments))

    def replicate(self, start: Any) -> Any:
        """The data on all devices; every process has made the same."""
        everywhere = NamedSharding(self.mesh, PartitionSpec())

        def put(x: jax.Array) -> jax.Array:
            if jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key):
                return jax.random.wrap_key_data(put(jax.random.key_data(x)))
            host = np.asarray(x)
            return jax.make_array_from_callback(host.shape, everywhere, host.__getitem__)

        return jax.tree.map(put, start)

    def place(self, arguments: Sequence[np.ndarray]) -> list[jax.Array]:
        """Arguments by trial, on the devices that run these."""
        sharding = NamedSharding(self.mesh, PartitionSpec(AXIS))
        return [jax.make_array_from_callback(x.shape, sharding, x.__getitem__) for x in arguments]

    def gather(self, trials: Trials) -> Trials:
        """The outcomes of all devices of all processes, as NumPy arrays."""
        return Trials(*map(np.asarray, multihost_utils.process_allgather(trials, tiled=True)))

    def halved(self) -> "Layout":
        """Half the trials on each device."""
        return dataclasses.replace(self, per_device=self.per_device // 2)


def layout_of(settings: Settings) -> Layout:
    """All devices of all processes.

    Vectorized, a device runs its whole share of the grid at once, unless the memory is too small.
    """
    mesh = Mesh(np.asarray(jax.devices()), (AXIS,))
    grid = settings.seeds * len(settings.rates)
    vectorized = settings.mapping == "vmap"
    return Layout(mesh, -(-grid // mesh.size) if vectorized else IN_TURN, vectorized)


def check_memory(layout: Layout, compiled: Any) -> bool:
    """Whether the memory at hand holds what a compiled program needs for its trials.

    Raises:
      RaceError: if it does not hold what one trial needs.
    """
    analysis = compiled.memory_analysis()
    at_hand = memory_at_hand()
    if analysis is None or at_hand is None:
        return True
    need = analysis.temp_size_in_bytes + analysis.output_size_in_bytes
    if need <= at_hand:
        return True
    if layout.vectorized and layout.per_device > 1:
        return False
    raise RaceError(f"a trial needs {need / 2**30:.3g} GiB of memory, but {at_hand / 2**30:.3g} are free.")


def memory_at_hand() -> int | None:
    """Bytes that are free for each device, the least of all processes, which must agree; None if that is not known."""
    import psutil

    devices = jax.local_devices()
    if devices[0].platform == "cpu":
        free = psutil.virtual_memory().available // len(devices)
    else:
        stats = devices[0].memory_stats() or {}
        if "bytes_limit" not in stats:
            return None
        free = stats["bytes_limit"] - stats["bytes_in_use"]
    return int(np.min(multihost_utils.process_allgather(np.float32(free))))
