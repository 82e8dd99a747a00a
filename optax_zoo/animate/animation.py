"""The outcome: paths, errors and the table of both."""

import dataclasses
import io
import math
from typing import Any

import numpy as np

from optax_zoo.animate.landscapes import Landscape
from optax_zoo.animate.paths import Path
from optax_zoo.running.errors import require

NEAR = 1e-2


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

    def errors(self, path: Path) -> np.ndarray:
        """abs(f - f_min) after every step, shape (steps + 1,); f - `lowest` where f_min is not known."""
        errors = path.losses - self.lowest
        return errors if self.landscape.lowest is None else np.abs(errors)


def table(animation: Animation) -> Any:
    """The ends of all paths as a `rich.table.Table`."""
    require("rich")
    from rich import box
    from rich.table import Table
    from rich.text import Text

    landscape = animation.landscape
    title = f"{landscape.name}: {animation.steps} steps from {_point(landscape.start)}"
    caption = Text(_caption(animation), style="table.caption")
    grid = Table(title=Text(title, style="table.title"), caption=caption, box=box.SIMPLE_HEAD, caption_justify="left")
    grid.add_column("optimizer", no_wrap=True)
    for heading in ("rate", "final x", "final f", "error", f"within {NEAR:g}\nfrom step"):
        grid.add_column(heading, justify="right", no_wrap=True)
    for path in animation.paths:
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
    left = [f"{path.optimizer} (step {path.left})" for path in animation.paths if path.left is not None]
    lines = [f"Error: {error} {animation.lowest:.6g}.", f"Rates: {rates}."]
    return "\n".join(lines + ([f"Left the picture: {', '.join(left)}."] if left else []))
