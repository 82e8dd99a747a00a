"""Learning curves."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from optax_zoo.race.analysis import views
from optax_zoo.race.analysis.views import Band
from optax_zoo.race.html import figures, palette, words
from optax_zoo.race.html.figures import Figure, layout, line
from optax_zoo.race.html.palette import Look
from optax_zoo.race.html.tables import data_table
from optax_zoo.race.results import Result
from optax_zoo.race.rows import Row

Bands = Mapping[str, Band]
DIGITS = 4


def figure(result: Result, looks: Mapping[str, Look], prefix: str, bands: Bands) -> Figure:
    """The curves of all optimizers; of up to a dozen with a legend that shows and hides them."""
    metric = result.settings.metric
    shown = [looks[name] for name in bands]
    many = any(look.many for look in shown)
    named = [look.name for look in shown if look.stands_out]
    rows = [row for row in reversed(result.rows) if row.optimizer in bands]
    return Figure(
        id=f"{prefix}curves",
        caption=f"Validation {metric} against steps at the tuned rate: interquartile mean over "
        f"{result.settings.final_seeds} final seeds, and its pointwise 95 % bootstrap interval as a band"
        f"{figures.which_bands(bands)}.{_target_words(result)}{figures.which_lines(shown)}",
        alternative=f"Learning curves. Validation {metric} after the last step, interquartile mean: "
        f"{_ends({name: bands[name] for name in named}, result.rows[0].curve_steps)}.",
        traces=[_trace(bands[row.optimizer], looks[row.optimizer]) for row in rows],
        layout=_layout(result, bands) | figures.ends(shown),
        height=520 if many else 440,
        legend=[] if many else shown,
        bands=len(bands) > figures.BANDS,
        table=_table(result, bands),
        shared={"steps": list(result.rows[0].curve_steps)},
    )


def single(row: Row, looks: Mapping[str, Look], prefix: str, of: str, bands: Bands) -> Figure:
    """The curve of one optimizer in front of all others in grey."""
    name = row.optimizer
    return Figure(
        id=f"{prefix}curve",
        caption="Learning curve; the others in grey.",
        alternative="Learning curve. Interquartile mean of the validation metric after the last step: "
        f"{_ends({name: bands[name]}, row.curve_steps)}.",
        traces=[],
        layout={},
        height=260,
        narrow_height=240,
        of=of,
        optimizer=looks[name].number,
    )


def _trace(band: Band, look: Look) -> dict[str, Any]:
    low, high = (words.rounded(end, DIGITS) for end in (band.low, band.high))
    return line(look, x="steps", y=words.rounded(band.middle, DIGITS), **figures.banded(look, low, high))


def _layout(result: Result, bands: Bands) -> dict[str, Any]:
    target = result.settings.target
    dashed = dict(color=palette.MUTED, width=1, dash="dash")
    lines = (
        [] if target is None else [dict(type="line", xref="x domain", x0=0, x1=1, y0=target, y1=target, line=dashed)]
    )
    limits = views.focus((band.middle for band in bands.values()), views.seen(target, bands.values(), figures.BANDS))
    return layout(
        xaxis=dict(title="steps", range=[0, 1.01 * result.settings.steps]),
        yaxis=dict(title=f"validation {result.settings.metric}", range=limits),
        shapes=lines,
        across="step",
    )


def _target_words(result: Result) -> str:
    target = result.settings.target
    return "" if target is None else f" The dashed line is the target, {target:g}."


def _ends(bands: Bands, steps: Sequence[int]) -> str:
    return "; ".join(f"{name} {_end(band.middle, steps)}" for name, band in bands.items())


def _end(values: np.ndarray, steps: Sequence[int]) -> str:
    """The last value, and where that is if a seed diverged."""
    there = np.flatnonzero(np.isfinite(values))
    if not there.size:
        return "diverged"
    last = int(there[-1])
    lost = "" if last == len(values) - 1 else f" after step {steps[last]}, then a seed diverged"
    return f"{words.number(values[last])}{lost}"


def _table(result: Result, bands: Bands) -> Any:
    if not bands:
        return None
    steps = result[next(iter(bands))].curve_steps
    columns = [list(bands)]
    columns += [[words.number(band.middle[place]) for band in bands.values()] for place in range(len(steps))]
    caption = f"Validation {result.settings.metric}, interquartile mean over the final seeds, by step"
    return data_table(caption, ["optimizer", *map(str, steps)], columns)
