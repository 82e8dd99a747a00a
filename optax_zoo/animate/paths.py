"""Where each optimizer goes: one compiled program for all of its learning rates, in float64."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from optax_zoo.animate.errors import AnimationError, first_line
from optax_zoo.animate.landscapes import Function, Landscape
from optax_zoo.primitives.curvature import hutchinson

RATES = tuple(float(f"{10 ** (k / 4):.3g}") for k in range(-16, 9))


@dataclasses.dataclass(frozen=True)
class Path:
    """Where an optimizer went.

    Attributes:
      optimizer: its name.
      rate: its learning rate.
      points: the parameters before the first and after every step, shape (steps + 1, n).
      losses: the function at these points, shape (steps + 1,).
      left: the first step after which the point was outside the box or not finite, None if it never was.
    """

    optimizer: str
    rate: float
    points: np.ndarray
    losses: np.ndarray
    left: int | None


def follow(name: str, factory: Callable[[Any], Any], rates: Sequence[float], landscape: Landscape, steps: int) -> Path:
    """The path at the best of several rates: the one with the lowest `score`, among equals the first.

    Raises:
      AnimationError: if the optimizer cannot run on the landscape.
    """

    def descents(rates: jax.Array) -> jax.Array:
        return jax.vmap(lambda rate: descend(factory(rate), landscape.function, start, steps))(rates)

    with jax.enable_x64(True):
        start = jnp.asarray(landscape.start, jnp.float64)
        try:
            traced = jax.jit(descents).trace(np.asarray(rates, np.float64))
        except (TypeError, ValueError, AttributeError) as error:
            raise AnimationError(
                f"optimizer {name!r} cannot run on landscape {landscape.name!r}: {first_line(error)}"
            ) from error
        points = traced.lower().compile()(np.asarray(rates, np.float64))
        losses = jax.jit(jax.vmap(jax.vmap(landscape.function)))(points)
    points, losses = np.asarray(points), np.asarray(losses)
    inside = landscape.inside(points) & np.isfinite(losses)
    best = int(np.argmin([score(*each) for each in zip(points, losses, inside, strict=True)]))
    left = None if inside[best].all() else int(np.argmin(inside[best]))
    return Path(name, float(rates[best]), points[best], losses[best], left)


def descend(tx: optax.GradientTransformation, function: Function, start: jax.Array, steps: int) -> jax.Array:
    """The points of a descent, shape (steps + 1, n); `update` gets the parameters, `value=` and `curvature=`."""
    transformation = optax.with_extra_args_support(tx)

    def step(carry: Any, _: None) -> Any:
        point, state = carry
        loss, gradient = jax.value_and_grad(function)(point)
        update, state = transformation.update(gradient, state, point, value=loss, curvature=hutchinson(function, point))
        point = optax.apply_updates(point, update)
        return (point, state), point

    _, points = jax.lax.scan(step, (start, transformation.init(start)), length=steps)
    return jnp.concatenate([start[None], points])


def score(points: np.ndarray, losses: np.ndarray, inside: np.ndarray) -> float:
    """The mean loss over the steps, where a point outside the box counts as the start; inf if one is not finite.

    Otherwise the best rate on a landscape without a minimum would be the one that leaves the picture at once.
    """
    if not (np.isfinite(points).all() and np.isfinite(losses).all()):
        return np.inf
    return float(np.where(inside, losses, losses[0]).mean())
