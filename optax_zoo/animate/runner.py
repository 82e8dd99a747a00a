"""An animation from beginning to end."""

import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path as File
from typing import Any

import numpy as np

from optax_zoo.animate.animation import Animation
from optax_zoo.animate.choice import choose
from optax_zoo.animate.entrants import check_rates, entrants
from optax_zoo.animate.errors import AnimationError
from optax_zoo.animate.landscapes import Landscape
from optax_zoo.animate.paths import RATES, Path, follow
from optax_zoo.running.entrants import Optimizers
from optax_zoo.running.errors import RaceError, require
from optax_zoo.running.interrupts import remembered_interrupts
from optax_zoo.running.out import check_out
from optax_zoo.running.progress import display

FPS = 20
MOST_STEPS = 100_000


def animate(
    optimizers: Optimizers | None = None,
    *,
    landscape: str | Landscape = "quartic",
    start: Sequence[float] | None = None,
    box: Sequence[float] | None = None,
    steps: int | None = None,
    tuned: bool = True,
    rates: Iterable[float] | None = None,
    out: str | os.PathLike[str] | None = None,
    fps: int = FPS,
    progress: bool = True,
) -> Animation:
    r"""Follows optimizers down a function of one or two numbers.

    Every optimizer starts at the same point and steps by p <- p + update(gradient of f at p), in float64; `update` gets
    the parameters and `value=f(p)`. Noise (Santa, Gravity's first velocity) is drawn from a fixed key: the same call
    gives the same paths.

    The rate of each is the one of a grid, the same for all, at which the mean of f over the steps is lowest on this
    landscape; there a point outside the box counts as the start, a path with NaN or infinity as the worst, and among
    equals the lower rate wins. By default these are the seventeen of an article that compared them on
    :math:`f(x) = 4 (x^4/4 - x^3/6 - 17x^2/8 - 15x/8)`.

    Args:
      optimizers: names (`"adam"`, `"optax.lion"`, or your own `"module:function"`), pairs of a name and a
        function from learning rate to transformation, or a mapping from name to function. By default the
        article's seventeen on the quartic, and ten of ours elsewhere.
      landscape: "quartic", "rosenbrock", "beale", "rastrigin", "saddle", your own function as "module:function"
        (from the current folder, too), or a `Landscape`. A function takes an array of shape (n,), n = 1 or 2.
      start: another point to start from, n numbers; required with "module:function", where it determines n.
      box: another part of the plane to draw: lower and upper end in x, and for n = 2 in y. With "module:function" it
        reaches 2, or 1.5 times the largest coordinate of the start, to every side of the start.
      steps: how many steps, from 1 to 100000; by default 100, on rosenbrock and beale 200.
      tuned: whether to tune; False is for the article's seventeen alone, at the rates of its listing.
      rates: the grid, the same for all; by default 25 from 0.0001 to 100. A single rate is the rate of all.
      out: folder for animation.gif, errors.png and, if ffmpeg is installed, animation.mp4; by default nothing is
        written.
      fps: pictures per second, from 1 to 50.
      progress: whether to show progress on standard error.

    Returns:
      The paths; it prints as a table. An optimizer that cannot run is left out, with a note.

    Raises:
      AnimationError: if the input cannot be animated, if no optimizer can run, or if the folder cannot be written to.
      MissingExtraError: without the packages that the extra `race` installs.
    """
    require(*(["rich"] if progress else []), *(["matplotlib", "PIL"] if out is not None else []))
    try:
        check_out(out)
    except RaceError as error:
        raise AnimationError(str(error)) from None
    landscape = choose(landscape, start, box)
    steps = _count("steps", landscape.steps if steps is None else steps, MOST_STEPS)
    _count("fps", fps, 50)
    if not tuned and (optimizers is not None or rates is not None or landscape.name != "quartic"):
        raise AnimationError(
            "tuned is False, the rates of the article's listing, which only its seventeen on the quartic have: leave "
            "out optimizers, rates and another landscape, or tune; a single number in rates is the rate of all."
        )
    grid = RATES if rates is None else check_rates(rates)
    chosen = entrants(optimizers, landscape, grid if tuned else None)
    folder = None if out is None else _folder(out)
    count = len(chosen) + (folder is not None)
    with display(count, progress) as shown, remembered_interrupts() as raise_if_interrupted:
        paths: list[Path] = []
        failures: list[AnimationError] = []
        for name, (factory, tried) in chosen.items():
            raise_if_interrupted()
            shown.phase(name, "descending", len(paths), count)
            try:
                paths.append(follow(name, factory, tried, landscape, steps))
            except AnimationError as error:
                failures.append(error)
            shown.advance(1)
        if not paths:
            raise failures[0]
        animation = Animation(landscape, tuned, tuple(paths), notes=tuple(f"{error}." for error in failures))
        if folder is None:
            return animation
        from optax_zoo.animate.files import write

        return write(animation, folder, fps, lambda phase: shown.phase("pictures", phase, len(paths), count))


def _count(name: str, value: Any, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 1 <= value <= most:
        raise AnimationError(f"{name} is {value!r}, but must be a whole number from 1 to {most}.")
    return int(value)


def _folder(out: str | os.PathLike[str]) -> File:
    """The folder, created if need be, once it is certain that it can be written to."""
    folder = File(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise AnimationError(f"cannot write to {str(folder)!r}: {error.strerror or error}.") from None
    return folder
