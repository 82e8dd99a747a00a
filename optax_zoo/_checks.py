"""Checks of user input: one clear sentence that names the argument, the value and what is allowed."""

import dataclasses
import difflib
import math
import numbers
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import jax
import numpy as np

_Error = TypeVar("_Error", bound=Exception)


def is_number(value: Any) -> bool:
    """Whether `value` is a Python or NumPy number (not a bool, not a jax array or tracer)."""
    return isinstance(value, (numbers.Real, np.generic)) and not isinstance(value, (bool, np.bool_))


def is_absent(value: Any) -> bool:
    """Whether an optional hyperparameter empties its slot: None or a Python 0. A traced 0 does not."""
    return value is None or (is_number(value) and value == 0)


@dataclasses.dataclass(frozen=True)
class Refused:
    """What was refused: the argument by the name that the refusing function has for it, its value, what is allowed."""

    argument: str
    value: Any
    allowed: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.argument} is {self.value!r}, but must be {self.allowed}.{self.hint}"


def refusal(kind: type[_Error], refused: Refused) -> _Error:
    """An error that says what was refused, and keeps it for `refused_by`, so that another name can be put there."""
    error = kind(str(refused))
    vars(error)["refused"] = refused
    return error


def refused_by(error: BaseException) -> Refused | None:
    """What an error of this module refused; None of others."""
    return vars(error).get("refused")


def scalar(name: str, value: Any, allowed: str, holds: Callable[[Any], bool], *, schedule: bool = False) -> None:
    """Refuses a Python number outside its range, and what is no scalar; scalar arrays and tracers pass.

    Args:
      name: of the argument.
      value: what it was given.
      allowed: the range in words, "at least 0".
      holds: whether a number is in the range.
      schedule: whether a function may stand for the number.
    """
    if is_number(value):
        if not (math.isfinite(value) and holds(value)):
            raise refusal(ValueError, Refused(name, value, allowed))
        return
    may_be = schedule if callable(value) else hasattr(value, "dtype") and not isinstance(value, np.bool_)
    if not may_be:
        instead = " or a function of the number of steps taken" * schedule
        raise refusal(TypeError, Refused(name, value, f"a number {allowed}{instead}"))
    if getattr(value, "ndim", 0):
        raise refusal(ValueError, Refused(name, value, f"a number {allowed}, not an array of shape {value.shape}"))


def static(name: str, value: Any) -> None:
    """Refuses an array where a Python value must be known before the step is traced."""
    if isinstance(value, (jax.Array, np.ndarray)):
        allowed = "known before the step is traced: under optax.inject_hyperparams name it in static_args"
        raise refusal(TypeError, Refused(name, value, allowed))


def whole(name: str, value: Any, least: int = 1) -> None:
    """Refuses what is not a whole number of Python, at least `least`."""
    static(name, value)
    if not is_number(value):
        scalar(name, value, f"at least {least}", lambda n: True)  # refuses it
    scalar(name, value, f"a whole number at least {least}", lambda n: n >= least and n == int(n))


def decay(name: str, value: Any, *, schedule: bool = False) -> None:
    """Refuses what is not in [0, 1)."""
    scalar(name, value, "at least 0 and below 1", lambda x: 0 <= x < 1, schedule=schedule)


def non_negative(name: str, value: Any, *, schedule: bool = False) -> None:
    """Refuses what is below 0."""
    scalar(name, value, "at least 0", lambda x: x >= 0, schedule=schedule)


def positive(name: str, value: Any, *, schedule: bool = False) -> None:
    """Refuses what is not above 0."""
    scalar(name, value, "above 0", lambda x: x > 0, schedule=schedule)


def one_of(name: str, value: Any, allowed: Iterable[Any]) -> None:
    """Refuses a value that is not in a list, and suggests the nearest that is."""
    allowed = list(allowed)
    if value not in allowed:
        near = difflib.get_close_matches(str(value), [str(item) for item in allowed], n=1)
        suggestion = f" Did you mean {near[0]!r}?" if near else ""
        raise refusal(ValueError, Refused(name, value, f"one of {', '.join(map(repr, allowed))}", suggestion))


def is_known_zero(value: Any) -> bool:
    """Whether a number or array is 0, as far as can be known without running a traced program."""
    return not isinstance(value, jax.core.Tracer) and bool(np.all(np.asarray(value) == 0))
