"""Step time over the bytes that a step moves, as a picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from optax_zoo.cost.step.costs import Cost
from optax_zoo.cost.step.table import title

FORMATS = (".png", ".svg", ".pdf")
OURS, OTHER, FLOOR = "#0072b2", "#d55e00", "#666666"


def check(path: Path) -> None:
    """Refuses a file that a picture cannot be written to, before anything is measured.

    Raises:
      ValueError: for an ending that is not in `FORMATS`, or a folder that does not exist.
    """
    if path.suffix not in FORMATS:
        raise ValueError(f"plot is {str(path)!r}, but must end in {', '.join(FORMATS)}.")
    if not path.parent.is_dir():
        raise ValueError(f"plot is {str(path)!r}, but there is no folder {str(path.parent)!r}.")


def figure(costs: Sequence[Cost]) -> Any:
    """A point for each optimizer and for what it was compared with; the memory floor is a line. All must have times."""
    from matplotlib.figure import Figure

    run = [(each, each.times) for each in costs if each.times is not None]
    picture = Figure(figsize=(8, 5.5), layout="constrained")
    panel = picture.subplots()
    names: dict[tuple[float, float], str] = {}
    for each, times in run:
        names[each.figures.accessed / 1e9, times.milliseconds] = each.optimizer
    others = {each.against: (each.other.accessed / 1e9, times.other_milliseconds) for each, times in run}
    speed = sorted(times.floor_milliseconds / each.figures.minimum * 1e9 for each, times in run)[len(run) // 2]
    right = 1.08 * max(x for x, _ in [*names, *others.values()])
    panel.plot([0, right], [0, speed * right], color=FLOOR, linestyle="--", linewidth=1)
    where: dict[str, Any] = dict(xytext=(6, -4), textcoords="offset points", ha="left", va="top")
    panel.annotate("memory floor", (0.6 * right, 0.6 * speed * right), color=FLOOR, fontsize=8, **where)
    panel.plot(*zip(*names, strict=True), "o", color=OURS, label="measured")
    panel.plot(*zip(*others.values(), strict=True), "s", color=OTHER, fillstyle="none", label="compared with")
    for (x, y), name in [*names.items(), *((place, name) for name, place in others.items())]:
        panel.annotate(name, (x, y), xytext=(5, 3), textcoords="offset points", fontsize=8, parse_math=False)
    panel.set_xlim(0, right)
    panel.set_ylim(bottom=0)
    panel.set_xlabel("bytes accessed by a step, GB")
    panel.set_ylabel("step time, ms")
    panel.set_title(title(costs), fontsize=10, parse_math=False)
    panel.grid(alpha=0.2)
    panel.spines[["top", "right"]].set_visible(False)
    panel.legend(loc="upper left", frameon=False)
    return picture


def write(costs: Sequence[Cost], path: Path) -> None:
    """Writes the picture, in the format that the name of the file ends in.

    Raises:
      ValueError: if the file cannot be written.
    """
    try:
        figure(costs).savefig(path, dpi=130)
    except OSError as error:
        raise ValueError(f"plot is {str(path)!r}, which cannot be written: {error}") from error
