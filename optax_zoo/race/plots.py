"""The pictures of a race: the ranking, and a panel for each optimizer, in front of all others in grey."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from optax_zoo.race.analysis import views
from optax_zoo.race.errors import require
from optax_zoo.race.rows import Result, Row

OURS, BASELINE, OTHERS, DIVERGED, TARGET = "#0072b2", "#222222", "#c8c8c8", "#d55e00", "#009e73"
FORMATS = ("png", "svg")


def draw(result: Result, folder: str | os.PathLike[str]) -> None:
    """Writes `ranking`, `curves` and `sensitivity` into a folder, each as PNG and SVG; the same result, the same files.

    Raises:
      MissingExtraError: without Matplotlib, which the extra `race` installs.
    """
    require("matplotlib")
    import matplotlib

    pictures: dict[str, Callable[[Result], Any]] = dict(ranking=ranking, curves=curves, sensitivity=sensitivity)
    with matplotlib.rc_context({"svg.hashsalt": "optax_zoo"}):
        for name, picture in pictures.items():
            figure = picture(result)
            for kind in FORMATS:
                dated = {"Date": None} if kind == "svg" else None
                figure.savefig(Path(folder) / f"{name}.{kind}", dpi=150, metadata=dated)


def ranking(result: Result) -> Any:
    """Test metric of the final seeds, tuned and at defaults: interquartile mean and its 95 % bootstrap interval."""
    from matplotlib.figure import Figure

    rows, settings = result.rows, result.settings
    figure = Figure(figsize=(9.0, 1.3 + 0.3 * len(rows)), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    figure.suptitle(f"{settings.task}: {settings.final_seeds} seeds, IQM and 95 % interval", fontsize=11, **LITERAL)
    kinds = (
        ("tuned", views.tuned, views.why_no_figure),
        ("at defaults", views.at_defaults, views.why_no_default),
    )
    for panel, (title, estimate, why_not) in zip(panels, kinds, strict=True):
        _style(panel)
        panel.set_title(title, fontsize=10)
        panel.set_xlabel(f"test {settings.metric}", fontsize=10, **LITERAL)
        for place, row in enumerate(rows):
            _dot(panel, place, row, estimate(row), why_not(row))
    labels = [row.optimizer for row in rows]
    panels[0].set_yticks(range(len(rows)), labels, fontsize=9, **LITERAL)
    panels[0].set_ylim(len(rows) - 0.5, -0.5)
    return figure


def curves(result: Result) -> Any:
    """Validation metric of the final seeds against steps: interquartile mean, and its 95 % interval as a band."""
    settings = result.settings
    title = f"{settings.task}: {settings.final_seeds} seeds as tuned, interquartile mean and 95 % interval"
    figure, panels = _panels(result, title, "steps", f"validation {settings.metric}")
    bands = {row.optimizer: views.curve(row) for row in result.rows if row.curve_validation_metric}
    for panel, row in zip(panels, result.rows, strict=True):
        if settings.target is not None:
            panel.axhline(settings.target, color=TARGET, linewidth=0.8, linestyle=(0, (4, 3)))
        for band in bands.values():
            panel.plot(row.curve_steps, band.middle, color=OTHERS, linewidth=0.7)
        if row.optimizer in bands:
            band = bands[row.optimizer]
            panel.fill_between(row.curve_steps, band.low, band.high, color=_colour(row), alpha=0.25, linewidth=0)
            panel.plot(row.curve_steps, band.middle, color=_colour(row), linewidth=1.8)
        rate = "diverged" if row.best_rate is None else f"rate {row.best_rate:.2g}"
        panel.set_title(f"{row.optimizer}  ({rate})", fontsize=9, **LITERAL)
    _focus(panels[0], bands, views.seen(settings.target, bands.values(), len(bands)))
    return figure


def sensitivity(result: Result) -> Any:
    """Validation metric against learning rate, mean and range of the tuning seeds; a cross where a seed diverged."""
    settings = result.settings
    title = f"{settings.task}: mean and range of {settings.seeds} seeds at each rate (ring: chosen, cross: diverged)"
    figure, panels = _panels(result, title, "learning rate", f"validation {settings.metric}")
    panels[0].set_xscale("log")
    bands = {row.optimizer: views.sensitivity(row) for row in result.rows}
    for panel, row in zip(panels, result.rows, strict=True):
        for other in result.rows:
            panel.plot(other.rates, bands[other.optimizer].middle, color=OTHERS, linewidth=0.7)
        rates, band = np.asarray(row.rates, float), bands[row.optimizer]
        panel.fill_between(rates, band.low, band.high, color=_colour(row), alpha=0.25, linewidth=0)
        panel.plot(rates, band.middle, color=_colour(row), linewidth=1.8, marker="o", markersize=3.5)
        if row.best_rate is not None:
            panel.plot(row.best_rate, row.validation_metric, "o", color=_colour(row), markersize=9, fillstyle="none")
        for diverged in rates[np.any(row.tuning_diverged, axis=1)]:
            panel.plot(diverged, 0.05, "x", color=DIVERGED, transform=panel.get_xaxis_transform())
        panel.set_title(row.optimizer, fontsize=9, **LITERAL)
        panel.minorticks_off()
    _focus(panels[0], bands)
    return figure


LITERAL: dict[str, Any] = dict(parse_math=False)


def _dot(panel: Any, place: int, row: Row, estimate: tuple[float, float, float] | None, why_not: str) -> None:
    if estimate is None:
        where: dict[str, Any] = dict(transform=panel.get_yaxis_transform(), va="center", fontsize=8, color="#666666")
        panel.text(0.02, place, why_not, **where)
        return
    middle, low, high = estimate
    panel.plot([low, high], [place, place], color=_colour(row), linewidth=1.8)
    panel.plot(middle, place, "o", color=_colour(row), markersize=6)


def _panels(result: Result, title: str, x: str, y: str) -> tuple[Any, list[Any]]:
    """A figure, and as many axes with shared scales as there are rows."""
    from matplotlib.figure import Figure

    count = len(result.rows)
    columns = min(count, max(3, math.ceil(math.sqrt(1.6 * count))))
    lines = math.ceil(count / columns)
    figure = Figure(figsize=(max(6.0, 2.2 * columns), 0.8 + 1.9 * lines), layout="constrained")
    grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for number, panel in enumerate(grid.flat):
        panel.set_visible(number < count)
        _style(panel)
        panel.tick_params(labelbottom=number + columns >= count)
    figure.suptitle(title, fontsize=11, **LITERAL)
    figure.supxlabel(x, fontsize=10)
    figure.supylabel(y, fontsize=10, **LITERAL)
    return figure, list(grid.flat[:count])


def _style(panel: Any) -> None:
    panel.grid(alpha=0.2)
    panel.spines[["top", "right"]].set_visible(False)
    panel.tick_params(labelsize=8)


def _colour(row: Row) -> str:
    return BASELINE if row.optimizer.startswith("optax.") else OURS


def _focus(panel: Any, bands: Mapping[str, views.Band], seen: Sequence[float] = ()) -> None:
    """Shows where the curves differ; what is far below falls out of the picture."""
    limits = views.focus((band.middle for band in bands.values()), seen)
    if limits:
        panel.set_ylim(*limits)
