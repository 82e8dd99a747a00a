"""How much the learning rate matters."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from optax_zoo.race.analysis import views
from optax_zoo.race.html import figures, palette, words
from optax_zoo.race.html.curves import Bands, grey
from optax_zoo.race.html.figures import Figure, layout, line
from optax_zoo.race.html.palette import Look
from optax_zoo.race.html.tables import data_table
from optax_zoo.race.results import Result
from optax_zoo.race.rows import Row

LANE = 11


def figure(result: Result, looks: Mapping[str, Look], prefix: str, bands: Bands) -> Figure:
    """The sensitivity of all optimizers, with a legend that shows and hides them."""
    settings = result.settings
    lanes = {row.optimizer: lane for lane, row in enumerate(row for row in result.rows if row.diverged_rates)}
    traces = [trace for row in result.rows for trace in _traces(row, bands, looks[row.optimizer], lanes)]
    height = 420 + LANE * len(lanes)
    return Figure(
        id=f"{prefix}sensitivity",
        caption=f"Validation {settings.metric} against the learning rate, mean over {settings.seeds} tuning "
        f"{'seed' if settings.seeds == 1 else 'seeds'}. A ring is the rate that was chosen"
        + (", a cross below a rate at which a seed diverged." if lanes else "."),
        alternative=f"Sensitivity to the learning rate. {'; '.join(_described(row, bands) for row in result.rows)}.",
        traces=traces,
        layout=_layout(result, bands, height, len(lanes)),
        height=height,
        narrow_height=height,
        legend=[looks[row.optimizer] for row in result.rows],
        table=_table(result, bands),
    )


def single(row: Row, result: Result, looks: Mapping[str, Look], prefix: str, bands: Bands) -> Figure:
    """The sensitivity of one optimizer in front of all others in grey, with the range of its seeds."""
    others = [each for each in result.rows if each.optimizer != row.optimizer]
    behind = grey([(each.rates, bands[each.optimizer].middle) for each in others])
    look = looks[row.optimizer]
    lanes = {row.optimizer: 0} if row.diverged_rates else {}
    return Figure(
        id=f"{prefix}rates",
        caption=f"Validation {result.settings.metric} against the learning rate; the band is the range of the tuning "
        "seeds" + (", the dotted line the default rate." if row.default_rate else "."),
        alternative=f"Sensitivity to the learning rate. {_described(row, bands)}.",
        traces=[behind, _range(row, bands, look), *_traces(row, bands, look, lanes)],
        layout=_layout(result, bands, 260, len(lanes), row.default_rate),
        height=260,
        narrow_height=240,
    )


def _traces(row: Row, bands: Bands, look: Look, lanes: Mapping[str, int]) -> list[dict[str, Any]]:
    rates, mean = np.asarray(row.rates, float), bands[row.optimizer].middle
    name = words.plain(row.optimizer)
    lost = rates[np.any(row.tuning_diverged, axis=1)]
    curve = line(
        look,
        x=words.rounded(rates),
        y=words.rounded(mean),
        marker=dict(color=look.colour, symbol=look.symbol, size=6),
        text=[f"{name}<br>rate {words.rate(x)}: {words.number(y)}" for x, y in zip(rates, mean, strict=True)],
        hoverinfo="text",
    )
    curve["mode"] = "lines+markers"
    marks = dict(type="scatter", mode="markers", hoverinfo="text", meta=figures.belongs(look))
    best = [] if row.best_rate is None else [(row.best_rate, row.validation_metric)]
    ring = dict(
        marks,
        x=words.rounded(x for x, _ in best),
        y=words.rounded(y for _, y in best),
        text=[f"{name}<br>best rate {words.rate(x)}: {words.number(y)}" for x, y in best],
        marker=dict(color=look.colour, symbol="circle-open", size=14, line=dict(width=2)),
    )
    cross = dict(
        marks,
        x=words.rounded(lost),
        y=[lanes.get(row.optimizer, 0)] * len(lost),
        yaxis="y2",
        text=[f"{name}<br>rate {words.rate(x)}: diverged" for x in lost],
        marker=dict(color=look.colour, symbol="x-thin", size=7, line=dict(width=2, color=look.colour)),
    )
    return [curve, ring, cross]


def _range(row: Row, bands: Bands, look: Look) -> dict[str, Any]:
    band, rates = bands[row.optimizer], np.asarray(row.rates, float)
    there = np.isfinite(band.middle)
    low, high = words.rounded(band.low[there]), words.rounded(band.high[there])
    return figures.band(look, words.rounded(rates[there]), low, high) | dict(meta=None)


def _layout(result: Result, bands: Bands, height: int, lanes: int, default: float | None = None) -> dict[str, Any]:
    """The curves, and below them a lane of crosses for each optimizer that diverged somewhere."""
    dotted = dict(color=palette.MUTED, width=1.5, dash="dot")
    lines = [dict(type="line", yref="y domain", y0=0, y1=1, x0=default, x1=default, line=dotted)] if default else []
    limits = views.focus(band.middle for band in bands.values())
    share = (LANE * lanes + 6) / (height - 60) if lanes else 0.0
    strip: dict[str, Any] = dict(tickvals=[(lanes - 1) / 2], ticktext=["diverged"], ticks="", showgrid=False)
    return layout(
        xaxis=dict(title="learning rate", type="log", dtick=1, exponentformat="none", anchor="y2" if lanes else "y"),
        yaxis=dict(
            title=f"validation {result.settings.metric}",
            range=limits,
            domain=[share + 0.02 if lanes else 0, 1],
        ),
        yaxis2=dict(strip, range=[lanes - 0.4, -0.6], domain=[0, share], visible=bool(lanes), fixedrange=True),
        shapes=lines,
    )


def _described(row: Row, bands: Bands) -> str:
    """Best rate, and where within a hundredth of the best metric."""
    lost = f"{row.diverged_rates} of {len(row.rates)} rates diverge"
    if row.best_rate is None:
        return f"{row.optimizer}: {lost}"
    best = f"{row.optimizer}: best at {words.rate(row.best_rate)} with {words.number(row.validation_metric)}"
    return f"{best}, {lost}" if row.diverged_rates else best


def _table(result: Result, bands: Bands) -> Any:
    """By rate of any optimizer; one that has not tried it has no figure."""
    rates = sorted(
        {words.rate(rate): rate for row in result.rows for rate in row.rates}.items(), key=lambda x: x[1] or 0
    )
    columns: list[Sequence[str]] = [[text for text, _ in rates]]
    for row in result.rows:
        known = {
            words.rate(rate): words.number(mean) if np.isfinite(mean) else "diverged"
            for rate, mean in zip(row.rates, bands[row.optimizer].middle, strict=True)
        }
        columns.append([known.get(text, "") for text, _ in rates])
    caption = f"Validation {result.settings.metric}, mean over the tuning seeds, by learning rate"
    return data_table(caption, ["rate", *(row.optimizer for row in result.rows)], columns)
