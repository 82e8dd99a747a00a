"""The outcome: paths, errors and the table of both."""

import dataclasses
import io
import math
from typing import Any

import numpy as np

from optax_zoo.animate.landscapes import Landscape
from optax_zoo.animate.paths import Path, score
from optax_zoo.running.errors import require
from optax_zoo.running.extent import TOP, cut, not_shown, some
from optax_zoo.running.selectors import family_of
from optax_zoo.running.tables import empty_table

NEAR = 1e-2
SEE_ALL = "--top 0 prints all"
MANY, BEST = 24, 3  # paths that pictures can name, and of more, how many are named whatever their family


@dataclasses.dataclass(frozen=True)
class Animation:
    """Where each optimizer went; it prints as a table.

    Attributes:
      landscape: the function that was descended.
      tuned: whether the rates were chosen from a grid.
      paths: one for each optimizer.
      files: what was written.
      notes: what was left out, and why.
    """

    landscape: Landscape
    tuned: bool
    paths: tuple[Path, ...]
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __getitem__(self, optimizer: str) -> Path:
        """The path of an optimizer.

        Raises:
          KeyError: if it did not take part.
        """
        for path in self.paths:
            if path.optimizer == optimizer:
                return path
        raise KeyError(optimizer)

    def __str__(self) -> str:
        require("rich")
        from rich.console import Console

        console = Console(file=io.StringIO(), width=100)
        console.print(table(self))
        return console.file.getvalue().rstrip()  # type: ignore[attr-defined]

    @property
    def steps(self) -> int:
        """The number of steps that each took."""
        return len(self.paths[0].losses) - 1

    @property
    def lowest(self) -> float:
        """The minimum of the landscape; where it is not known, the lowest value that a path reached in the box."""
        if self.landscape.lowest is not None:
            return self.landscape.lowest
        inside = [path.losses[self.landscape.inside(path.points) & np.isfinite(path.losses)] for path in self.paths]
        return float(np.concatenate(inside).min())

    @property
    def ranked(self) -> tuple[Path, ...]:
        """The paths, the lowest mean of the function over the steps first."""

        def merit(path: Path) -> float:
            inside = self.landscape.inside(path.points) & np.isfinite(path.losses)
            return score(path.points, path.losses, inside)

        return tuple(sorted(self.paths, key=merit))

    @property
    def named(self) -> tuple[Path, ...]:
        """What pictures name: all; of more than `MANY`, the best, and the best of each family."""
        if len(self.paths) <= MANY:
            return self.paths
        ranked = self.ranked
        first: dict[str, Path] = {}
        for path in ranked:
            first.setdefault(family_of(path.optimizer), path)
        chosen = {path.optimizer for path in (*ranked[:BEST], *first.values())}
        return tuple(path for path in ranked if path.optimizer in chosen)

    def errors(self, path: Path) -> np.ndarray:
        """abs(f - f_min) after every step, shape (steps + 1,); f - `lowest` where f_min is not known."""
        errors = path.losses - self.lowest
        return errors if self.landscape.lowest is None else np.abs(errors)


def table(animation: Animation, top: int = TOP) -> Any:
    """The ends of all paths as a `rich.table.Table`; of more than `MANY`, those of the first by mean.

    Args:
      animation: the outcome.
      top: how many of many, 0 for all.
    """
    from rich.text import Text

    landscape = animation.landscape
    many = len(animation.paths) > MANY
    paths = cut(animation.ranked, top) if many else animation.paths
    title = f"{landscape.name}: {animation.steps} steps from {_point(landscape.start)}"
    lines = [*not_shown(len(animation.paths) - len(paths), "with a higher mean", SEE_ALL), _caption(animation)]
    headings = ("rate", "final x", "final f", "error", f"within {NEAR:g}\nfrom step")
    grid = empty_table(title, "\n".join(lines), ("optimizer",), headings)
    for path in paths:
        grid.add_row(*map(Text, _cells(animation, path)))
    return grid


def _cells(animation: Animation, path: Path) -> list[str]:
    errors = animation.errors(path)
    far = np.flatnonzero(~(errors <= NEAR))
    near = int(far[-1]) + 1 if far.size else 0
    final = path.losses[-1]
    if not math.isfinite(final):
        return [path.optimizer, f"{path.rate:.3g}", "-", "diverged", "-", "-"]
    steps = str(near) if near < errors.size else "never"
    return [path.optimizer, f"{path.rate:.3g}", _point(path.points[-1]), f"{final:.4g}", f"{errors[-1]:.1e}", steps]


def _point(point: Any) -> str:
    return ", ".join(f"{x:.3f}" if abs(x) < 1000 else f"{x:.1e}" for x in point)


def _caption(animation: Animation) -> str:
    known = animation.landscape.lowest is not None
    error = "|f - f_min|, f_min =" if known else "f minus the lowest value seen in the picture,"
    rates = "the grid's best for the mean f over the steps" if animation.tuned else "those of the article's listing"
    left = some([f"{path.optimizer} (step {path.left})" for path in animation.paths if path.left is not None])
    lines = [f"Error: {error} {animation.lowest:.6g}.", f"Rates: {rates}."]
    return "\n".join(lines + ([f"Left the picture: {left}."] if left else []))
