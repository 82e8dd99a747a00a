"""Functions of one or two numbers to descend on."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Function = Callable[[jax.Array], Any]


@dataclasses.dataclass(frozen=True)
class Landscape:
    """A function, where the descent starts, and which part of it the pictures show.

    Attributes:
      name: what it is called.
      function: from an array of shape (n,), with n = 1 or 2, to a real scalar; jax must be able to differentiate it.
      start: the n coordinates where every optimizer starts, in the box.
      box: what is drawn: lower and upper end in x, and for n = 2 in y.
      minima: known minima, the global one first; () if none is known.
      formula: what a picture is titled with.
      steps: how many steps are taken by default.
    """

    name: str
    function: Function
    start: tuple[float, ...]
    box: tuple[float, ...]
    minima: tuple[tuple[float, ...], ...] = ()
    formula: str = ""
    steps: int = 100

    @property
    def lowest(self) -> float | None:
        """The value at the global minimum, None if it is not known."""
        if not self.minima:
            return None
        with jax.enable_x64(True):
            return float(self.function(jnp.asarray(self.minima[0])))

    @property
    def bounds(self) -> np.ndarray:
        """The lower and upper ends of the box, shape (2, n)."""
        return np.reshape(self.box, (-1, 2)).T

    def inside(self, points: np.ndarray) -> np.ndarray:
        """Which points of shape (..., n) lie in the box; NaN does not."""
        low, high = self.bounds
        return np.all((points >= low) & (points <= high), axis=-1)


def quartic(p: jax.Array) -> jax.Array:
    """(x^4 / 4 - x^3 / 6 - 17 x^2 / 8 - 15 x / 8) 4, of derivative 4 (x + 3/2) (x + 1/2) (x - 5/2)."""
    (x,) = p
    return x**4 - 2 / 3 * x**3 - 17 / 2 * x**2 - 15 / 2 * x


def rosenbrock(p: jax.Array) -> jax.Array:
    """(1 - x)^2 + 100 (y - x^2)^2: a bent valley."""
    x, y = p
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def beale(p: jax.Array) -> jax.Array:
    """(1.5 - x + x y)^2 + (2.25 - x + x y^2)^2 + (2.625 - x + x y^3)^2: a plain between steep walls."""
    x, y = p
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


def rastrigin(p: jax.Array) -> jax.Array:
    """20 + x^2 + y^2 - 10 cos(2 pi x) - 10 cos(2 pi y): a bowl with a minimum near every pair of integers."""
    return 10 * p.size + jnp.sum(p**2 - 10 * jnp.cos(2 * math.pi * p))


def saddle(p: jax.Array) -> jax.Array:
    """x^2 - y^2, without a minimum: it falls forever along y."""
    x, y = p
    return x**2 - y**2


LANDSCAPES = {
    landscape.name: landscape
    for landscape in (
        Landscape(
            "quartic",
            quartic,
            start=(-3.0,),
            box=(-3.8, 4.0),
            minima=((2.5,), (-1.5,)),
            formula="$4\\,(x^4/4 - x^3/6 - 17x^2/8 - 15x/8)$",
        ),
        Landscape(
            "rosenbrock",
            rosenbrock,
            start=(-1.2, 1.0),
            box=(-2.0, 2.0, -1.0, 3.0),
            minima=((1.0, 1.0),),
            formula="$(1 - x)^2 + 100\\,(y - x^2)^2$",
            steps=200,
        ),
        Landscape(
            "beale",
            beale,
            start=(1.0, 1.5),
            box=(-0.5, 4.0, -1.5, 2.0),
            minima=((3.0, 0.5),),
            formula="$(1.5 - x + xy)^2 + (2.25 - x + xy^2)^2 + (2.625 - x + xy^3)^2$",
            steps=200,
        ),
        Landscape(
            "rastrigin",
            rastrigin,
            start=(-3.5, 2.5),
            box=(-5.12, 5.12, -5.12, 5.12),
            minima=((0.0, 0.0),),
            formula="$20 + x^2 + y^2 - 10 \\cos 2\\pi x - 10 \\cos 2\\pi y$",
        ),
        Landscape("saddle", saddle, start=(-1.5, 0.01), box=(-2.0, 2.0, -2.0, 2.0), formula="$x^2 - y^2$"),
    )
}
