"""Checks of user input: one clear sentence that names the argument, the value and what is allowed."""

import difflib
import math
import numbers
from collections.abc import Callable, Iterable
from typing import Any

import jax
import numpy as np


def is_number(value: Any) -> bool:
    """Whether `value` is a Python or NumPy number (not a bool, not a jax array or tracer)."""
    return isinstance(value, (numbers.Real, np.generic)) and not isinstance(value, (bool, np.bool_))


def is_absent(value: Any) -> bool:
    """Whether an optional hyperparameter empties its slot: None or a Python 0. A traced 0 does not."""
    return value is None or (is_number(value) and value == 0)


def scalar(name: str, value: Any, allowed: str, holds: Callable[[Any], bool]) -> None:
    """Refuses a Python number outside its range, and what is no number at all; arrays and schedules pass."""
    if is_number(value):
        if not (math.isfinite(value) and holds(value)):
            raise ValueError(f"{name} is {value!r}, but must be {allowed}.")
    elif isinstance(value, (bool, np.bool_)) or not (callable(value) or hasattr(value, "dtype")):
        raise TypeError(f"{name} is {value!r}, but must be a number {allowed}.")


def decay(name: str, value: Any) -> None:
    """Refuses what is not in [0, 1)."""
    scalar(name, value, "at least 0 and below 1", lambda x: 0 <= x < 1)


def non_negative(name: str, value: Any) -> None:
    """Refuses what is below 0."""
    scalar(name, value, "at least 0", lambda x: x >= 0)


def positive(name: str, value: Any) -> None:
    """Refuses what is not above 0."""
    scalar(name, value, "above 0", lambda x: x > 0)


def one_of(name: str, value: Any, allowed: Iterable[Any]) -> None:
    """Refuses a value that is not in a list, and suggests the nearest that is."""
    allowed = list(allowed)
    if value not in allowed:
        near = difflib.get_close_matches(str(value), [str(item) for item in allowed], n=1)
        suggestion = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"{name} is {value!r}, but must be one of {', '.join(map(repr, allowed))}.{suggestion}")


def is_known_zero(value: Any) -> bool:
    """Whether a number or array is 0, as far as can be known without running a traced program."""
    return not isinstance(value, jax.core.Tracer) and bool(np.all(np.asarray(value) == 0))
