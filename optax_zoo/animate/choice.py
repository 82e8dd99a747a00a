"""Which landscape is meant, one of ours by name or a user's by module:function, and whether it can be descended."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from optax_zoo import _checks
from optax_zoo._user_code import imported
from optax_zoo.animate.errors import AnimationError, first_line
from optax_zoo.animate.landscapes import LANDSCAPES, Landscape


def choose(landscape: str | Landscape, start: Sequence[float] | None, box: Sequence[float] | None) -> Landscape:
    """The landscape, with another start and box if given, provided that it can be descended.

    Raises:
      AnimationError: for an unknown name, a function that cannot be imported or differentiated, a value or gradient at
        the start that is not finite, and a start or box that does not fit.
    """
    if isinstance(landscape, str):
        landscape = _of_user(landscape, start) if ":" in landscape else _of_ours(landscape)
    if not isinstance(landscape, Landscape):
        raise AnimationError(f"landscape is {landscape!r}, but must be a name, 'module:function' or a Landscape.")
    known = len(landscape.start)
    if start is not None:
        landscape = dataclasses.replace(landscape, start=_numbers("start", start, (known,)))
    if box is not None:
        landscape = dataclasses.replace(landscape, box=_numbers("box", box, (2 * known,)))
    _check(landscape)
    return landscape


def _of_ours(name: str) -> Landscape:
    try:
        _checks.one_of("landscape", name, LANDSCAPES)
    except ValueError as error:
        raise AnimationError(f"{error} Name your own function as 'module:function'.") from None
    return LANDSCAPES[name]


def _of_user(name: str, start: Sequence[float] | None) -> Landscape:
    if start is None:
        raise AnimationError(
            f"landscape is {name!r}, your own function: give the point to start from, as in --start=-1,2 "
            "(start=(-1, 2)), or one number for a function of one."
        )
    try:
        function = imported("landscape", name)
    except ValueError as error:
        raise AnimationError(str(error)) from error
    start = _numbers("start", start, (1, 2))
    reach = max(2.0, 1.5 * max(abs(x) for x in start))
    return Landscape(name, function, start, tuple(end for x in start for end in (x - reach, x + reach)))


def _numbers(name: str, values: Sequence[float], counts: tuple[int, ...]) -> tuple[float, ...]:
    allowed = " or ".join(map(str, counts))
    numbers: list[Any] = [values] if _checks.is_number(values) else list(values)
    if len(numbers) not in counts or not all(_checks.is_number(x) and np.isfinite(x) for x in numbers):
        raise AnimationError(f"{name} is {values!r}, but must be {allowed} finite number{'s' * (allowed != '1')}.")
    return tuple(float(x) for x in numbers)


def _check(landscape: Landscape) -> None:
    low, high = landscape.bounds
    if not (low < high).all():
        raise AnimationError(f"box is {landscape.box}, but each lower end must be below the upper one.")
    if not landscape.inside(np.asarray(landscape.start)):
        raise AnimationError(f"start is {landscape.start}, but must lie in the box {landscape.box}.")
    with jax.enable_x64(True):
        start = jnp.asarray(landscape.start, jnp.float64)
        _check_shape(landscape, start)
        value, gradient = jax.jit(jax.value_and_grad(landscape.function))(start)
    if not (jnp.isfinite(value) and jnp.isfinite(gradient).all()):
        raise AnimationError(
            f"start is {landscape.start}, where landscape {landscape.name!r} is {value} with the gradient "
            f"{np.asarray(gradient).tolist()}; both must be finite."
        )


def _check_shape(landscape: Landscape, start: jax.Array) -> None:
    given = f"landscape {landscape.name!r} is given an array of shape {start.shape}"
    try:
        value = jax.eval_shape(landscape.function, start)
    except Exception as error:
        raise AnimationError(f"{given} and fails with {first_line(error)}") from error
    if getattr(value, "shape", None) != () or not jnp.issubdtype(value.dtype, jnp.floating):
        raise AnimationError(f"{given} and must return a real scalar, but returns {_described(value)}.")


def _described(value: Any) -> str:
    return f"{value.dtype} of shape {value.shape}" if hasattr(value, "shape") else repr(value)
