"""One figure of a race for print: of a size, with some of the optimizers and a legend."""

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from optax_zoo._checks import is_number
from optax_zoo.race.analysis import views
from optax_zoo.race.rows import Raced, Row
from optax_zoo.running.errors import RaceError, require

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#888888")
DASHES: Sequence[Any] = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (6, 2, 1, 2)))
MOST, USUAL = len(COLOURS), 5
KINDS = ("curves", "sensitivity", "ranking")


def figure(
    result: Raced,
    kind: str,
    optimizers: Iterable[str] | None,
    size: tuple[float, float],
    legend: bool,
    path: str | os.PathLike[str] | None,
) -> "Figure":
    """See `Result.figure`."""
    require("matplotlib")
    import matplotlib
    from matplotlib.figure import Figure

    if kind not in KINDS:
        raise RaceError(f"kind is {kind!r}, but must be {', '.join(map(repr, KINDS[:-1]))} or {KINDS[-1]!r}.")
    if len(size) != 2 or not all(is_number(side) and 0 < side < np.inf for side in size):
        raise RaceError(f"size is {size!r}, but must be width and height in inches, two numbers above 0.")
    rows = _chosen(result, optimizers)
    with matplotlib.rc_context({"font.size": 8, "svg.hashsalt": "optax_zoo", "pdf.fonttype": 42}):
        made = Figure(figsize=(size[0], size[1]), layout="constrained")
        panel = made.subplots()
        panel.spines[["top", "right"]].set_visible(False)
        {"curves": _curves, "sensitivity": _sensitivity, "ranking": _ranking}[kind](panel, result, rows)
        if legend and kind != "ranking":
            made.legend(loc="outside upper center", ncols=_columns(rows, size[0]), frameon=False)
        if path is not None:
            dated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(os.path.splitext(path)[1])
            made.savefig(path, dpi=300, metadata=dated)
    return made


def _chosen(result: Raced, optimizers: Iterable[str] | None) -> list[Row]:
    """The rows named, in their order, or the best."""
    with_figures = [row for row in result.rows if row.test_metric is not None]
    if optimizers is None:
        return with_figures[:USUAL]
    names = [optimizers] if isinstance(optimizers, str) else list(optimizers)
    known = {row.optimizer: row for row in with_figures}
    for name in names:
        if name not in known:
            raise RaceError(f"optimizers has {name!r}, but the race has figures of {', '.join(known)}.")
    if not 1 <= len(names) <= MOST:
        raise RaceError(f"optimizers has {len(names)} names, but must have 1 to {MOST}, which colours tell apart.")
    return [known[name] for name in names]


def _columns(rows: Sequence[Row], width: float) -> int:
    letters = max((len(row.optimizer) for row in rows), default=1) + 6
    return max(1, min(len(rows), int(width * 17 / letters)))


def _style(number: int) -> dict[str, Any]:
    return {"color": COLOURS[number], "linestyle": DASHES[number % len(DASHES)], "linewidth": 1.2}


def _curves(panel: Any, result: Raced, rows: Sequence[Row]) -> None:
    bands = [views.curve(row) for row in rows]
    for number, (row, band) in enumerate(zip(rows, bands, strict=True)):
        panel.fill_between(row.curve_steps, band.low, band.high, color=COLOURS[number], alpha=0.2, linewidth=0)
        panel.plot(row.curve_steps, band.middle, label=row.optimizer, **_style(number))
    panel.set(xlabel="step", ylabel=f"validation {result.settings.metric}")
    _focus(panel, bands)


def _sensitivity(panel: Any, result: Raced, rows: Sequence[Row]) -> None:
    bands = [views.sensitivity(row) for row in rows]
    for number, (row, band) in enumerate(zip(rows, bands, strict=True)):
        panel.plot(row.rates, band.middle, label=row.optimizer, marker="o", markersize=2.5, **_style(number))
    panel.set(xlabel="learning rate", ylabel=f"validation {result.settings.metric}", xscale="log")
    _focus(panel, bands)


def _ranking(panel: Any, result: Raced, rows: Sequence[Row]) -> None:
    for number, row in enumerate(rows):
        found = views.tuned(row)
        assert found is not None
        middle, low, high = found
        panel.plot([low, high], [number, number], color=COLOURS[0], linewidth=1.5)
        panel.plot(middle, number, "o", color=COLOURS[0], markersize=4)
    panel.set_yticks(range(len(rows)), [row.optimizer for row in rows])
    panel.set(ylim=(len(rows) - 0.5, -0.5), xlabel=f"test {result.settings.metric}")


def _focus(panel: Any, bands: Sequence[views.Band]) -> None:
    limits = views.focus((band.middle for band in bands), views.seen(None, bands, len(bands)))
    if limits:
        panel.set_ylim(*limits)
