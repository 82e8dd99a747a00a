"""How much the learning rate matters."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from optax_zoo.race.analysis import views
from optax_zoo.race.html import figures, palette, words
from optax_zoo.race.html.curves import Bands
from optax_zoo.race.html.figures import Figure, layout, line
from optax_zoo.race.html.palette import Look
from optax_zoo.race.html.tables import data_table
from optax_zoo.race.results import Result
from optax_zoo.race.rows import Row

LANE = 11


def figure(result: Result, looks: Mapping[str, Look], prefix: str, bands: Bands) -> Figure:
    """The sensitivity of all optimizers; of up to a dozen with a legend that shows and hides them."""
    settings = result.settings
    shown = [looks[row.optimizer] for row in result.rows if not row.failure]
    many = any(look.many for look in shown)
    named = [row for row in result.rows if looks[row.optimizer].stands_out and not row.failure]
    crossed = [] if many else [row for row in named if row.diverged_rates]
    lanes = {row.optimizer: lane for lane, row in enumerate(crossed)}
    lines = [_curve(row, bands, looks[row.optimizer]) for row in reversed(result.rows) if not row.failure]
    marks = [mark for row in named for mark in _marks(row, looks[row.optimizer], lanes.get(row.optimizer))]
    height = (520 if many else 420) + LANE * len(lanes)
    return Figure(
        id=f"{prefix}sensitivity",
        caption=f"Validation {settings.metric} against the learning rate, mean over {settings.seeds} tuning "
        f"{'seed' if settings.seeds == 1 else 'seeds'}. A ring is the rate that was chosen"
        + (", a cross below a rate at which a seed diverged." if lanes else ".")
        + figures.which_lines(shown),
        alternative=f"Sensitivity to the learning rate. {'; '.join(_described(row) for row in named)}.",
        traces=[*lines, *marks],
        layout=_layout(result, bands, height, len(lanes)) | figures.ends(shown),
        height=height,
        narrow_height=height,
        legend=[] if many else shown,
        table=_table(result, bands),
    )


def single(row: Row, result: Result, looks: Mapping[str, Look], prefix: str, of: str, bands: Bands) -> Figure:
    """The sensitivity of one optimizer in front of all others in grey, with the range of its seeds."""
    look = looks[row.optimizer]
    return Figure(
        id=f"{prefix}rates",
        caption=f"Validation {result.settings.metric} against the learning rate; the band is the range of the tuning "
        "seeds" + (", the dotted line the default rate." if row.default_rate else "."),
        alternative=f"Sensitivity to the learning rate. {_described(row)}.",
        traces=_marks(row, look, 0),
        band={end: words.rounded(getattr(bands[row.optimizer], end), 4) for end in ("low", "high")}
        | {"tint": look.tint},
        layout=_changes(260, 1 if row.diverged_rates else 0, row.default_rate),
        height=260,
        narrow_height=240,
        of=of,
        optimizer=look.number,
    )


def _curve(row: Row, bands: Bands, look: Look) -> dict[str, Any]:
    curve = line(look, x=words.rounded(row.rates, 4), y=words.rounded(bands[row.optimizer].middle, 4))
    return curve | dict(mode="lines+markers", marker=dict(color=look.colour, symbol=look.symbol, size=6))


def _marks(row: Row, look: Look, lane: int | None) -> list[dict[str, Any]]:
    """A ring at the rate that was chosen, and crosses in a lane, if there is one, where a seed diverged."""
    lost = np.asarray(row.rates, float)[np.any(row.tuning_diverged, axis=1)].tolist()
    shared = dict(mode="markers", meta=figures.belongs(look), name=look.name)
    made = []
    if row.best_rate is not None:
        ring = dict(color=look.colour, symbol="circle-open", size=14, line=dict(width=2, color=look.colour))
        place = dict(x=words.rounded([row.best_rate]), y=words.rounded([row.validation_metric], 4))
        made.append(dict(shared, **place, marker=ring))
    if lost and lane is not None:
        cross = dict(color=look.colour, symbol="x-thin", size=7, line=dict(width=2, color=look.colour))
        said = [f"{look.name}\nrate {words.rate(rate)}: diverged" for rate in lost]
        made.append(dict(shared, x=words.rounded(lost), y=[lane] * len(lost), yaxis="y2", text=said, marker=cross))
    return made


def _layout(result: Result, bands: Bands, height: int, lanes: int) -> dict[str, Any]:
    """The curves, and below them a lane of crosses for each optimizer that diverged somewhere."""
    changes = _changes(height, lanes)
    changes["xaxis"].update(title="learning rate", type="log")
    limits = views.focus(band.middle for band in bands.values())
    changes["yaxis"].update(title=f"validation {result.settings.metric}", range=limits)
    return layout(**changes, across="rate")


def _changes(height: int, lanes: int, default: float | None = None) -> dict[str, Any]:
    """What of the layout depends on the lanes, and a dotted line at a rate."""
    dotted = dict(color=palette.MUTED, width=1.5, dash="dot")
    share = (LANE * lanes + 6) / (height - 60) if lanes else 0.0
    strip: dict[str, Any] = dict(tickvals=[(lanes - 1) / 2], ticktext=["diverged"], showgrid=False)
    return dict(
        xaxis=dict(anchor="y2" if lanes else "y"),
        yaxis=dict(domain=[share + 0.02 if lanes else 0, 1]),
        yaxis2=dict(strip, range=[lanes - 0.4, -0.6], domain=[0, share])
        if lanes
        else dict(visible=False, domain=[0, 0]),
        shapes=[dict(type="line", yref="y domain", y0=0, y1=1, x0=default, x1=default, line=dotted)] if default else [],
    )


def _described(row: Row) -> str:
    """Best rate, and at how many rates a seed diverged."""
    if row.failure:
        return f"{row.optimizer}: could not run"
    lost = f"{row.diverged_rates} of {len(row.rates)} rates diverge"
    if row.best_rate is None:
        return f"{row.optimizer}: {lost}"
    best = f"{row.optimizer}: best at {words.rate(row.best_rate)} with {words.number(row.validation_metric)}"
    return f"{best}, {lost}" if row.diverged_rates else best


def _table(result: Result, bands: Bands) -> Any:
    """By rate of any optimizer; one that has not tried it has no figure."""
    rows = [row for row in result.rows if not row.failure]
    if not rows:
        return None
    rates = sorted({words.rate(rate): rate for row in rows for rate in row.rates}.items(), key=lambda x: x[1] or 0)
    known = [
        {
            words.rate(rate): words.number(mean) if np.isfinite(mean) else "diverged"
            for rate, mean in zip(row.rates, bands[row.optimizer].middle, strict=True)
        }
        for row in rows
    ]
    columns = [[row.optimizer for row in rows], *([each.get(text, "") for each in known] for text, _ in rates)]
    caption = f"Validation {result.settings.metric}, mean over the tuning seeds, by learning rate"
    return data_table(caption, ["optimizer", *(text for text, _ in rates)], columns)
