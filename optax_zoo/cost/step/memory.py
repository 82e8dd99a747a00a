"""Whether there is room for a measurement, before it allocates anything."""

from typing import Any

import jax
import optax

from optax_zoo.cost.step.program import size_of


class TooLargeError(ValueError):
    """What does not fit into memory, in one sentence."""


def least(tx: optax.GradientTransformation, shapes: Any) -> int:
    """Bytes of parameters, gradients and state."""
    return 2 * size_of(shapes) + size_of(jax.eval_shape(tx.init, shapes))


def free_bytes() -> int | None:
    """Bytes that are free on the first device; None if that is not known."""
    device = jax.devices()[0]
    if device.platform == "cpu":
        import psutil

        return int(psutil.virtual_memory().available)
    stats = device.memory_stats() or {}
    return stats["bytes_limit"] - stats["bytes_in_use"] if "bytes_limit" in stats else None


def require(what: str, needed: int) -> None:
    """Refuses what does not fit.

    Raises:
      TooLargeError: if more bytes are needed than are free.
    """
    free = free_bytes()
    if free is not None and needed > free:
        raise TooLargeError(f"{what} needs {needed / 2**30:,.1f} GiB of memory, but {free / 2**30:,.1f} GiB are free.")
