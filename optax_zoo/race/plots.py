"""The pictures of a race: a panel for each optimizer, in front of all others in grey."""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from optax_zoo.race.errors import require
from optax_zoo.race.rows import Result, Row
from optax_zoo.race.statistics import half_width

OURS, BASELINE, OTHERS, DIVERGED = "#0072b2", "#222222", "#c8c8c8", "#d55e00"


def draw(result: Result, folder: str | os.PathLike[str]) -> None:
    """Writes `curves.png` and `sensitivity.png` into a folder.

    Raises:
      MissingExtraError: without Matplotlib, which the extra `race` installs.
    """
    require("matplotlib")
    curves(result).savefig(Path(folder) / "curves.png", dpi=150)
    sensitivity(result).savefig(Path(folder) / "sensitivity.png", dpi=150)


def curves(result: Result) -> Any:
    """Validation metric of the final seeds against steps: the mean, and its 95 % t-interval as a band."""
    settings = result.settings
    title = f"{settings.task}: {settings.final_seeds} seeds at the best rate, mean and 95 % interval"
    figure, panels = _panels(result, title, "steps", f"validation {settings.metric}")
    lines = {row.optimizer: _curve(row) for row in result.rows if row.curve_validation_metric}
    for panel, row in zip(panels, result.rows, strict=True):
        if settings.target is not None:
            panel.axhline(settings.target, color="#009e73", linewidth=0.8, linestyle=(0, (4, 3)))
        for steps, mean, _ in lines.values():
            panel.plot(steps, mean, color=OTHERS, linewidth=0.7)
        if row.optimizer in lines:
            steps, mean, half = lines[row.optimizer]
            panel.fill_between(steps, mean - half, mean + half, color=_colour(row), alpha=0.25, linewidth=0)
            panel.plot(steps, mean, color=_colour(row), linewidth=1.8)
        rate = "diverged" if row.best_rate is None else f"rate {row.best_rate:.2g}"
        panel.set_title(f"{row.optimizer}  ({rate})", fontsize=9)
    _focus(panels[0], [mean for _, mean, _ in lines.values()])
    return figure


def sensitivity(result: Result) -> Any:
    """Validation metric against learning rate, mean over the tuning seeds; a cross where a seed diverged."""
    settings = result.settings
    title = f"{settings.task}: mean of {settings.seeds} seeds at each rate (ring: best rate, cross: diverged)"
    figure, panels = _panels(result, title, "learning rate", f"validation {settings.metric}")
    panels[0].set_xscale("log")
    lines = {row.optimizer: _rates(row) for row in result.rows}
    for panel, row in zip(panels, result.rows, strict=True):
        for rates, mean in lines.values():
            panel.plot(rates, mean, color=OTHERS, linewidth=0.7)
        rates, mean = lines[row.optimizer]
        panel.plot(rates, mean, color=_colour(row), linewidth=1.8, marker="o", markersize=3.5)
        best = rates == row.best_rate
        panel.plot(rates[best], mean[best], "o", color=_colour(row), markersize=9, fillstyle="none")
        for diverged in rates[np.any(row.tuning_diverged, axis=1)]:
            panel.plot(diverged, 0.05, "x", color=DIVERGED, transform=panel.get_xaxis_transform())
        panel.set_title(row.optimizer, fontsize=9)
        panel.minorticks_off()
    return figure


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
        panel.grid(alpha=0.2)
        panel.spines[["top", "right"]].set_visible(False)
        panel.tick_params(labelsize=8, labelbottom=number + columns >= count)
    figure.suptitle(title, fontsize=11)
    figure.supxlabel(x, fontsize=10)
    figure.supylabel(y, fontsize=10)
    return figure, list(grid.flat[:count])


def _curve(row: Row) -> tuple[Sequence[int], np.ndarray, np.ndarray]:
    values = np.asarray(row.curve_validation_metric, float)
    return row.curve_steps, values.mean(axis=0), half_width(values)


def _rates(row: Row) -> tuple[np.ndarray, np.ndarray]:
    """Rates and mean metric, which is NaN where a seed diverged."""
    metric = np.asarray(row.tuning_validation_metric, float)
    return np.asarray(row.rates, float), np.where(np.any(row.tuning_diverged, axis=1), np.nan, metric.mean(axis=1))


def _colour(row: Row) -> str:
    return BASELINE if row.optimizer.startswith("optax.") else OURS


def _focus(panel: Any, means: Sequence[np.ndarray]) -> None:
    """Shows where the curves differ: the lowest tenth of all points may fall below the picture."""
    points = np.concatenate([*means, np.empty(0)])
    points = points[np.isfinite(points)]
    if points.size:
        low, high = np.quantile(points, 0.1), points.max()
        margin = 0.08 * (high - low) or 0.01
        panel.set_ylim(low - margin, high + margin)
