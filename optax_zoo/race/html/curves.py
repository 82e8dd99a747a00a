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


def figure(result: Result, looks: Mapping[str, Look], prefix: str, bands: Bands) -> Figure:
    """The curves of all optimizers, with a legend that shows and hides them."""
    metric = result.settings.metric
    traces = [trace for row in reversed(result.rows) for trace in _traces(row, bands, looks[row.optimizer])]
    return Figure(
        id=f"{prefix}curves",
        caption=f"Validation {metric} against steps at the tuned rate: interquartile mean over "
        f"{result.settings.final_seeds} final seeds, and its pointwise 95 % bootstrap interval as a band"
        f"{figures.which_bands(bands)}." + _target_words(result),
        alternative=f"Learning curves. Validation {metric} after the last step, interquartile mean: "
        f"{_ends(bands, result.rows[0].curve_steps)}.",
        traces=traces,
        layout=_layout(result, bands),
        height=440,
        legend=[looks[name] for name in bands],
        bands=len(bands) > figures.BANDS,
        table=_table(result, bands),
    )


def single(row: Row, result: Result, looks: Mapping[str, Look], prefix: str, bands: Bands) -> Figure:
    """The curve of one optimizer in front of all others in grey."""
    metric, name = result.settings.metric, row.optimizer
    others = [each for each in result.rows if each.optimizer != name and each.optimizer in bands]
    behind = grey([(each.curve_steps, bands[each.optimizer].middle) for each in others])
    return Figure(
        id=f"{prefix}curve",
        caption=f"Validation {metric} against steps; the others in grey.",
        alternative=f"Learning curve. Validation {metric} after the last step, interquartile mean: "
        f"{_ends({name: bands[name]}, row.curve_steps)}.",
        traces=[behind, *_shown(_traces(row, bands, looks[name]))],
        layout=_layout(result, bands),
        height=260,
        narrow_height=240,
    )


def _shown(traces: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With the band, whichever optimizer it is."""
    return [trace | dict(meta=None) for trace in traces]


def grey(lines: list[tuple[Any, np.ndarray]]) -> dict[str, Any]:
    """Many lines in one trace, with gaps between them."""
    x: list[Any] = []
    y: list[Any] = []
    for across, up in lines:
        x += [*words.rounded(np.asarray(across, float)), None]
        y += [*words.rounded(up), None]
    shape = dict(color=palette.OTHERS, width=1)
    return dict(type="scatter", mode="lines", x=x, y=y, line=shape, hoverinfo="skip", connectgaps=False)


def _traces(row: Row, bands: Bands, look: Look) -> list[dict[str, Any]]:
    if row.optimizer not in bands:
        return []
    band, steps = bands[row.optimizer], np.asarray(row.curve_steps)
    there = np.isfinite(band.middle)
    name = words.plain(row.optimizer)
    area = figures.band(look, steps[there].tolist(), words.rounded(band.low[there]), words.rounded(band.high[there]))
    middle = line(
        look,
        x=steps.tolist(),
        y=words.rounded(band.middle),
        text=[
            f"{name}<br>step {step}: {words.number(middle)} {words.interval((low, high))}"
            for step, middle, low, high in zip(steps, *band, strict=True)
        ],
        hoverinfo="text",
    )
    return [area, middle]


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
    columns = [[words.number(value) for value in band.middle] for band in bands.values()]
    caption = f"Validation {result.settings.metric}, interquartile mean over the final seeds, by step"
    return data_table(caption, ["step", *bands], [[str(step) for step in steps], *columns])
