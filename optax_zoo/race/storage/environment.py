"""What a race runs with: versions, machine and command line."""

import datetime
import importlib.metadata
import os
import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import jax

import optax_zoo

PACKAGES = ("jax", "jaxlib", "optax", "flax", "numpy")


def run() -> dict[str, Any]:
    """The command line, the time (ISO 8601, UTC) and the machine of this process."""
    return {
        "command": shlex.join(sys.orig_argv),
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": machine(),
    }


def record() -> dict[str, Any]:
    """All of it."""
    return {"versions": versions(), **run()}


def versions() -> dict[str, str | None]:
    """Versions by package; None for one that is not installed."""
    installed = {package: _version(package) for package in PACKAGES}
    return {"python": platform.python_version(), **installed, "optax_zoo": optax_zoo.__version__}


def machine() -> dict[str, Any]:
    """What the timings depend on; the devices are those of all processes."""
    import psutil

    return {
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "device": jax.devices()[0].device_kind,
        "backend": jax.default_backend(),
        "devices": jax.device_count(),
        "processes": jax.process_count(),
    }


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """A phrase for each entry that is not the same."""
    return [
        f"{name} was {_short(before.get(name))} and now is {_short(now.get(name))}"
        for name in {**before, **now}
        if before.get(name) != now.get(name)
    ]


def _short(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(f"{x:.3g}" if isinstance(x, float) else str(x) for x in value)
    return str(value)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
