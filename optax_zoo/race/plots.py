"""The pictures of a race: the ranking, and a panel for each optimizer or family, in front of all others in grey."""

import functools
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from optax_zoo.race.analysis import views
from optax_zoo.race.results import Result
from optax_zoo.race.rows import Row
from optax_zoo.running.errors import require
from optax_zoo.running.selectors import family_of

OURS, BASELINE, OTHERS, DIVERGED, TARGET = "#0072b2", "#222222", "#c8c8c8", "#d55e00", "#009e73"
FORMATS = ("png", "svg")
MOST_PANELS, MOST_ROWS = 24, 40
TITLE_WIDTH, MOST_LINES = 26, 6  # characters of a line over a panel, and lines of a label


def draw(result: Result, folder: str | os.PathLike[str]) -> None:
    """Writes `ranking`, `curves` and `sensitivity` into a folder, each as PNG and SVG, the same for the same result.

    Raises:
      MissingExtraError: without Matplotlib, which the extra `race` installs.
    """
    pictures = dict(ranking=ranking, curves=curves, sensitivity=sensitivity)
    save({name: functools.partial(picture, result) for name, picture in pictures.items()}, folder)


def save(pictures: Mapping[str, Callable[[], Any]], folder: str | os.PathLike[str]) -> None:
    """Writes pictures by name into a folder, each as PNG and SVG, the same for the same picture.

    Raises:
      MissingExtraError: without Matplotlib, which the extra `race` installs.
    """
    require("matplotlib")
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": "optax_zoo"}):
        for name, picture in pictures.items():
            figure = picture()
            for kind in FORMATS:
                dated = {"Date": None} if kind == "svg" else None
                figure.savefig(Path(folder) / f"{name}.{kind}", dpi=150, metadata=dated)


def ranking(result: Result) -> Any:
    """Test metric of the final seeds, tuned and at defaults: interquartile mean and its 95 % bootstrap interval."""
    from matplotlib.figure import Figure

    rows, settings = result.rows[:MOST_ROWS], result.settings
    labels = [wrapped(row.optimizer, 36) for row in rows]
    lines = sum(1 + 0.5 * label.count("\n") for label in labels)
    kinds: list[Any] = [("tuned", views.tuned, views.why_no_figure)]
    if any(row.default_rate is not None for row in rows):
        kinds.append(("at defaults", views.at_defaults, views.why_no_default))
    figure = Figure(figsize=(9.0, 1.3 + 0.3 * lines), layout="constrained")
    panels = figure.subplots(1, len(kinds), sharey=True, squeeze=False)[0]
    best = f", the best {len(rows)} of {len(result.rows)}" if len(rows) < len(result.rows) else ""
    title = f"{settings.task}: {settings.final_seeds} seeds, IQM and 95 % interval{best}"
    figure.suptitle(title, fontsize=11, **LITERAL)
    for panel, (title, estimate, why_not) in zip(panels, kinds, strict=True):
        style(panel)
        panel.set_title(title, fontsize=10)
        panel.set_xlabel(f"test {settings.metric}", fontsize=10, **LITERAL)
        for place, row in enumerate(rows):
            _dot(panel, place, row, estimate(row), why_not(row))
    panels[0].set_yticks(range(len(rows)), labels, fontsize=9, **LITERAL)
    panels[0].set_ylim(len(rows) - 0.5, -0.5)
    return figure


def curves(result: Result) -> Any:
    """Validation metric of the final seeds against steps: interquartile mean, and its 95 % interval as a band."""
    settings = result.settings
    bands = {row.optimizer: views.curve(row) for row in result.rows if row.curve_validation_metric}
    groups = grouped(result)
    title = f"{settings.task}: {settings.final_seeds} seeds as tuned, interquartile mean and 95 % interval"
    figure, panels = _panels(groups, title, "steps", f"validation {settings.metric}")
    behind = [(row.curve_steps, bands[row.optimizer].middle) for row in result.rows if row.optimizer in bands]
    for panel, (name, rows) in zip(panels, groups, strict=True):
        if settings.target is not None:
            panel.axhline(settings.target, color=TARGET, linewidth=0.8, linestyle=(0, (4, 3)))
        _grey(panel, behind)
        shown = [row for row in rows if row.optimizer in bands]
        for row in shown[1:]:
            panel.plot(row.curve_steps, bands[row.optimizer].middle, color=_colour(row), linewidth=0.9, alpha=0.6)
        for row in shown[:1]:
            band = bands[row.optimizer]
            panel.fill_between(row.curve_steps, band.low, band.high, color=_colour(row), alpha=0.25, linewidth=0)
            panel.plot(row.curve_steps, band.middle, color=_colour(row), linewidth=1.8)
        rate = "diverged" if rows[0].best_rate is None else f"rate {rows[0].best_rate:.2g}"
        _title(panel, name, rows, f"({'could not run' if rows[0].failure else rate})")
    _focus(panels[0], bands, views.seen(settings.target, bands.values(), len(groups)))
    return figure


def sensitivity(result: Result) -> Any:
    """Validation metric against learning rate, mean and range of the tuning seeds; a cross where a seed diverged."""
    settings = result.settings
    seeds = f"{settings.seeds} seed{'' if settings.seeds == 1 else 's'}"
    title = f"{settings.task}: mean and range of {seeds} at each rate (ring: chosen, cross: diverged)"
    groups = grouped(result)
    figure, panels = _panels(groups, title, "learning rate", f"validation {settings.metric}")
    panels[0].set_xscale("log")
    bands = {row.optimizer: views.sensitivity(row) for row in result.rows}
    behind = [(row.rates, bands[row.optimizer].middle) for row in result.rows]
    for panel, (name, rows) in zip(panels, groups, strict=True):
        _grey(panel, behind)
        for row in rows[1:]:
            panel.plot(row.rates, bands[row.optimizer].middle, color=_colour(row), linewidth=0.9, alpha=0.6)
        row = rows[0]
        rates, band = np.asarray(row.rates, float), bands[row.optimizer]
        panel.fill_between(rates, band.low, band.high, color=_colour(row), alpha=0.25, linewidth=0)
        panel.plot(rates, band.middle, color=_colour(row), linewidth=1.8, marker="o", markersize=3.5)
        if row.best_rate is not None:
            panel.plot(row.best_rate, row.validation_metric, "o", color=_colour(row), markersize=9, fillstyle="none")
        for diverged in rates[np.any(row.tuning_diverged, axis=1)]:
            panel.plot(diverged, 0.05, "x", color=DIVERGED, transform=panel.get_xaxis_transform())
        _title(panel, name, rows)
        panel.minorticks_off()
    _focus(panels[0], bands)
    return figure


def grouped(result: Result) -> list[tuple[str, list[Row]]]:
    """What each panel shows: an optimizer; of more than `MOST_PANELS`, a family, the best of it first.

    The first of a pair is the name of the family, empty where there are none.
    """
    if len(result.rows) <= MOST_PANELS:
        return [("", [row]) for row in result.rows]
    groups: dict[str, list[Row]] = {}
    for row in result.rows:
        groups.setdefault(family_of(row.optimizer), []).append(row)
    return list(groups.items())


LITERAL: dict[str, Any] = dict(parse_math=False)


def _title(panel: Any, family: str, rows: Sequence[Row], rate: str = "") -> None:
    """The title of a panel, no wider than it: the optimizer, or how many there are in a family, and its best."""
    name = rows[0].optimizer
    if family:
        panel.set_title(f"{family} ({len(rows)})\n{wrapped(f'best: {name}', TITLE_WIDTH)}", fontsize=8, **LITERAL)
        return
    line = f"{name}  {rate}".rstrip()
    if len(line) >= TITLE_WIDTH:
        panel.set_title(f"{wrapped(name, TITLE_WIDTH)}\n{rate}".rstrip(), fontsize=8, **LITERAL)
    else:
        panel.set_title(line, fontsize=9, **LITERAL)


def _dot(panel: Any, place: int, row: Row, estimate: tuple[float, float, float] | None, why_not: str) -> None:
    if estimate is None:
        where: dict[str, Any] = dict(transform=panel.get_yaxis_transform(), va="center", fontsize=8, color="#666666")
        panel.text(0.02, place, why_not, **where)
        return
    middle, low, high = estimate
    panel.plot([low, high], [place, place], color=_colour(row), linewidth=1.8)
    panel.plot(middle, place, "o", color=_colour(row), markersize=6)


def _grey(panel: Any, lines: Sequence[tuple[Sequence[Any], np.ndarray]]) -> None:
    """All lines behind those of a panel, as one."""
    x = [value for across, _ in lines for value in (*across, np.nan)]
    y = [value for _, up in lines for value in (*up, np.nan)]
    panel.plot(x, y, color=OTHERS, linewidth=0.7 if len(lines) <= MOST_PANELS else 0.4)


def _panels(groups: Sequence[tuple[str, list[Row]]], title: str, x: str, y: str) -> tuple[Any, list[Any]]:
    """A figure, and as many axes with shared scales as there are groups."""
    from matplotlib.figure import Figure

    count = len(groups)
    columns = min(count, max(3, math.ceil(math.sqrt(1.6 * count))))
    lines = math.ceil(count / columns)
    heads = [wrapped(rows[0].optimizer, TITLE_WIDTH) for _, rows in groups]
    tall = max(head.count("\n") + 1 for head in heads) + any(family != "" for family, _ in groups)
    figure = Figure(figsize=(max(6.0, 2.2 * columns), 0.8 + (1.75 + 0.15 * tall) * lines), layout="constrained")
    grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for number, panel in enumerate(grid.flat):
        panel.set_visible(number < count)
        style(panel)
        panel.tick_params(labelbottom=number + columns >= count)
    figure.suptitle(title, fontsize=11, **LITERAL)
    figure.supxlabel(x, fontsize=10)
    figure.supylabel(y, fontsize=10, **LITERAL)
    return figure, list(grid.flat[:count])


def wrapped(text: str, width: int) -> str:
    """Text wrapped to a width: after spaces and brackets and, where that is not enough, within expressions."""
    lines = [""]
    for piece in _pieces(text, width):
        if lines[-1] and len(lines[-1] + piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    if len(lines) > MOST_LINES:
        lines[MOST_LINES - 1 :] = [lines[MOST_LINES - 1][: width - 1] + "…"]
    return "\n".join(map(str.rstrip, lines))


def _pieces(text: str, width: int) -> Iterator[str]:
    """Pieces that stay together, each at most a line long."""
    for word in re.findall(r"[^ \[]+[ \[]*|[ \[]+", text):
        for part in [word] if len(word) <= width else re.findall(r"[^(=]+[(=]*|[(=]+", word):
            yield from (part[start : start + width] for start in range(0, len(part), width))


def style(panel: Any) -> None:
    panel.grid(alpha=0.2)
    panel.spines[["top", "right"]].set_visible(False)
    panel.tick_params(labelsize=8)


def _colour(row: Row) -> str:
    return BASELINE if row.optimizer.startswith("optax.") else OURS


def _focus(panel: Any, bands: Mapping[str, views.Band], seen: Sequence[float] = ()) -> None:
    """Shows where the curves differ; what lies far below is cut off."""
    limits = views.focus((band.middle for band in bands.values()), seen)
    if limits:
        panel.set_ylim(*limits)
