"""Several processes, perhaps on several hosts, that run one race together."""

import contextlib
import json
import os
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils

from optax_zoo.race.engine.lost import watch
from optax_zoo.running.errors import RaceError

SECONDS_TO_START = 60  # from the first process to the last
SECONDS_OF_SILENCE = 40  # until a process counts as lost
SECONDS_TO_END = 10  # of a process that has failed, for the others to do so, too


def is_first() -> bool:
    """Whether this process writes files and shows progress."""
    return jax.process_index() == 0


def from_first(make: Callable[[], Any]) -> Any:
    """What the first process makes, in all of them: a value that JSON can hold.

    Raises:
      RaceError: in all processes, if the first raises one.
    """
    if jax.process_count() == 1:
        return make()
    answer: dict[str, Any] = {}
    if is_first():
        try:
            answer = {"value": make()}
        except RaceError as error:
            answer = {"error": str(error)}
    answer = json.loads(_broadcast(json.dumps(answer).encode()))
    if "error" in answer:
        raise RaceError(answer["error"])
    return answer["value"]


def wait_for_first() -> None:
    """Waits until the first process is here, too: it has written what there is to write."""
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices("optax-zoo: written")


def _broadcast(text: bytes) -> bytes:
    length = int(multihost_utils.broadcast_one_to_all(np.int32(len(text))))
    padded = np.frombuffer(text[:length].ljust(length, b"\0"), np.uint8)
    return np.asarray(multihost_utils.broadcast_one_to_all(padded), np.uint8).tobytes()


def join(coordinator: str | None, processes: int | None, process_id: int | None) -> None:
    """Joins the processes of a cluster: as given, or else as its environment says (Slurm, a TPU pod and others).

    Raises:
      RaceError: if there is no cluster, or the others cannot be reached.
    """
    jax.config.update("jax_cpu_collectives_implementation", "gloo")  # no effect on GPUs and TPUs
    watch()
    try:
        jax.distributed.initialize(
            coordinator,
            processes,
            process_id,
            initialization_timeout=SECONDS_TO_START,
            heartbeat_timeout_seconds=SECONDS_OF_SILENCE,
            shutdown_timeout_seconds=SECONDS_TO_END,
        )
    except (ValueError, RuntimeError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
        raise RaceError(
            f"distributed: the other processes were not found ({reason}); "
            "give --coordinator, --processes and --process-id."
        ) from error


def use_all_cores(cores: int) -> None:
    """Makes each CPU core a device, so that a race uses them all, unless jax runs already or was given a number."""
    by_flag = "xla_force_host_platform_device_count" in os.environ.get("XLA_FLAGS", "")
    if not by_flag and jax.config.jax_num_cpu_devices < 1:  # type: ignore[attr-defined]
        with contextlib.suppress(RuntimeError):  # jax runs already
            jax.config.update("jax_num_cpu_devices", cores)
