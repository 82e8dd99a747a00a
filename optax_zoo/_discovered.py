"""The public functions that the modules of `optax_zoo.algorithms` define, found by being there."""

import importlib
import inspect
import pkgutil
from types import ModuleType
from typing import Any

from optax_zoo import algorithms


def _public(module: ModuleType) -> dict[str, Any]:
    functions = inspect.getmembers(module, inspect.isfunction)
    return {name: f for name, f in functions if f.__module__ == module.__name__ and not name.startswith("_")}


def _discover() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in pkgutil.walk_packages(algorithms.__path__, f"{algorithms.__name__}."):
        if not each.name.rpartition(".")[2].startswith("_"):
            found |= _public(importlib.import_module(each.name))
    return found


_found = _discover()
globals().update(_found)
__all__ = sorted(_found)
