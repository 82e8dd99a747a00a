"""How calls, parts and numbers are written: the canonical text that a part prints as."""

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax


def call_expression(name: str, signature: inspect.Signature, *args: Any, **kwargs: Any) -> str:
    """Canonical text of a call: the order of the signature, defaults left out, names where one before is left out."""
    shown, complete = [], True
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    for parameter, value in bound.arguments.items():
        kind = signature.parameters[parameter].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            shown += [f"{key}={expression(item, key)}" for key, item in value.items()]
        elif _equal(value, signature.parameters[parameter].default):
            complete = False
        else:
            positional = complete and kind is not inspect.Parameter.KEYWORD_ONLY
            shown.append(("" if positional else f"{parameter}=") + expression(value, parameter))
    return f"{name}({', '.join(shown)})"


def expression(value: Any, name: str) -> str:
    """Canonical text of one argument: never an address, arrays and trees by the name of their parameter."""
    if isinstance(value, jax.core.Tracer):
        return "<traced>"
    if isinstance(value, (str, bool, type(None))) or dataclasses.is_dataclass(value):
        return repr(value)
    if isinstance(value, optax.GradientTransformation):
        if type(value).__repr__ is not optax.GradientTransformation.__repr__:  # a Part, which knows how it was written
            return repr(value)
        of_optax = (value.update.__module__ or "").startswith("optax.")
        return "optax." * of_optax + _qualified_name(value.update)
    if callable(value):
        return _qualified_name(value)
    if isinstance(value, (int, float, np.generic, np.ndarray, jax.Array)) and _is_real_scalar(value):
        return number_expression(float(value))
    if isinstance(value, tuple) and value and _are_numbers(value):
        return f"({', '.join(expression(item, name) for item in value)}{',' * (len(value) == 1)})"
    return name


def number_expression(value: float) -> str:
    """A number to 15 digits, so that the rounding of 0.01 / 0.1 does not show."""
    return f"{value:.15g}"


def _is_real_scalar(value: Any) -> bool:
    dtype = getattr(value, "dtype", type(value))
    return np.ndim(value) == 0 and (jnp.issubdtype(dtype, jnp.integer) or jnp.issubdtype(dtype, jnp.floating))


def _are_numbers(value: tuple[Any, ...]) -> bool:
    """Whether a tuple, maybe of tuples, holds numbers of Python alone."""
    return all(_are_numbers(item) if isinstance(item, tuple) else type(item) in (int, float) for item in value)


def _qualified_name(function: Callable[..., Any]) -> str:
    outer, _, inner = getattr(function, "__qualname__", type(function).__qualname__).partition(".<locals>")
    return f"{outer}(...)" if inner else outer


def _equal(value: Any, default: Any) -> bool:
    if value is default:
        return True
    if dataclasses.is_dataclass(value):
        return repr(value) == repr(default)
    if isinstance(value, tuple) and isinstance(default, tuple):
        return len(value) == len(default) and all(map(_equal, value, default))
    plain = (int, float, str, bool)
    return isinstance(value, plain) and isinstance(default, plain) and value == default
