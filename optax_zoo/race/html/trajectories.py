"""The paths of the raced optimizers on functions of two numbers."""

import base64
import dataclasses
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from markupsafe import Markup

from optax_zoo.animate.errors import AnimationError
from optax_zoo.animate.landscapes import LANDSCAPES, Landscape
from optax_zoo.animate.paths import RATES, Path, follow
from optax_zoo.animate.style import last_finite
from optax_zoo.race.engine.protocol import own_values
from optax_zoo.race.html import dots, palette, words
from optax_zoo.race.html.figures import Figure, belongs, layout, line
from optax_zoo.race.html.palette import Look
from optax_zoo.race.html.tables import Table, data_table
from optax_zoo.race.results import Result
from optax_zoo.race.rows import Row
from optax_zoo.race.settings import Settings
from optax_zoo.running.entrants import Entrant, resolve
from optax_zoo.running.errors import RaceError

NAMES = ("beale", "rosenbrock")
PANELS = (("", [0, 0.475]), ("2", [0.525, 1]))
GRID, LEVELS, INCHES, DPI = 160, 14, 4.0, 120
# Of the backdrop: the lowest level, the highest, and the lines between, on a light page and on a dark one.
LIGHT = "#cfd6dd", "#f7f8fa", "#ffffff"
DARK = "#46505c", "#171b20", "#14171b"


@dataclasses.dataclass(frozen=True)
class Descents:
    """The paths on one landscape."""

    landscape: Landscape
    paths: tuple[Path, ...]


def descend(results: Sequence[Result], names: Iterable[str]) -> tuple[list[Descents], list[str]]:
    """The paths of those that can be run given only their names, each at the rate that suits it, and the other names.

    A function that a user raced under the name of another optimizer is recognized by its composition.
    """
    raced = {row.optimizer: (row, result.settings) for result in results for row in result.rows}
    known = {name: _entrant(*raced[name]) for name in names}
    paths = {name: _paths(name, entrant) for name, entrant in known.items() if entrant}
    able = {name: each for name, each in paths.items() if each}
    descents = [
        Descents(LANDSCAPES[landscape], tuple(each[place] for each in able.values()))
        for place, landscape in enumerate(NAMES)
    ]
    return descents, [name for name in known if name not in able]


def _entrant(row: Row, settings: Settings) -> Entrant | None:
    try:
        entrant = resolve([row.optimizer])[row.optimizer]
    except RaceError:
        return None
    rate = settings.rates[0] if row.best_rate is None else row.best_rate
    expected = entrant.composition(rate, {**own_values(entrant, settings), **row.best_values})
    return entrant if expected == row.composition else None


def _paths(name: str, entrant: Entrant) -> list[Path]:
    """One for each landscape; none if the optimizer needs more than they give it."""
    try:
        return [follow(name, entrant.at, RATES, each, each.steps) for each in map(LANDSCAPES.__getitem__, NAMES)]
    except AnimationError:
        return []


def figure(results: Sequence[Result], looks: Mapping[str, Look]) -> Figure | None:
    """The animation of all optimizers that can run; None if there is none."""
    shown = {name: look for name, look in looks.items() if look.stands_out}
    descents, unable = descend(results, shown)
    if not descents[0].paths:
        return None
    traces = [mark for each, (axes, _) in zip(descents, PANELS, strict=True) for mark in _marks(each.landscape, axes)]
    fixed = len(traces)
    moving = []
    for each, (axes, _) in zip(descents, PANELS, strict=True):
        for path in each.paths:
            moving.append(_points(path, each.landscape))
            traces += _trail(path, looks[path.optimizer], axes)
    return Figure(
        id="trajectories",
        caption=_caption(descents, unable, len(looks)),
        alternative=_alternative(descents),
        traces=traces,
        layout=_layout(descents),
        height=470,
        narrow={
            "xaxis.domain": [0, 1],
            "xaxis2.domain": [0, 1],
            "yaxis.domain": [0.57, 1],
            "yaxis2.domain": [0, 0.43],
        },
        narrow_height=720,
        legend=[looks[path.optimizer] for path in descents[0].paths],
        table=_table(descents),
        motion={"first": fixed, "points": moving, "steps": len(moving[0]["x"]) - 1},
        pictures={
            each.landscape.name: (backdrop(each.landscape, LIGHT), backdrop(each.landscape, DARK)) for each in descents
        },
    )


def _marks(landscape: Landscape, axes: str) -> list[dict[str, Any]]:
    shared = dict(mode="markers", xaxis=f"x{axes}", yaxis=f"y{axes}")
    ink = dict(size=11, color=palette.INK)
    start: dict[str, Any] = dict(shared, x=[landscape.start[0]], y=[landscape.start[1]], text="start")
    start["marker"] = dict(ink, symbol="x-thin", line=dict(width=2, color=palette.INK))
    minima: dict[str, Any] = dict(
        shared, x=[x for x, _ in landscape.minima], y=[y for _, y in landscape.minima], text="minimum"
    )
    minima["marker"] = dict(ink, symbol="star", size=14, color=palette.GROUND, line=dict(width=1.5, color=palette.INK))
    return [start, minima]


def _points(path: Path, landscape: Landscape) -> dict[str, list[float | None]]:
    """The points of a path, up to where it leaves the picture."""
    low, high = landscape.bounds
    far = 0.5 * (high - low)
    x, y = np.clip(last_finite(path.points), low - far, high + far).T
    return {"x": words.rounded(x, 4), "y": words.rounded(y, 4)}


def _trail(path: Path, look: Look, axes: str) -> list[dict[str, Any]]:
    """A trail and its end, whose points are those of the motion."""
    place = dict(xaxis=f"x{axes}", yaxis=f"y{axes}")
    text = f"{path.optimizer}\nrate {words.rate(path.rate)}"
    trail = line(look, x=[], y=[], text=text, opacity=0.9, **place)
    head = dict(
        mode="markers",
        x=[],
        y=[],
        text=text,
        meta=belongs(look),
        marker=dict(color=look.colour, symbol=look.symbol, size=11, line=dict(width=1.5, color=palette.GROUND)),
        **place,
    )
    return [trail, head]


def _layout(descents: Sequence[Descents]) -> dict[str, Any]:
    axes: dict[str, Any] = {}
    notes, images = [], []
    for each, (number, domain) in zip(descents, PANELS, strict=True):
        (x0, y0), (x1, y1) = each.landscape.bounds
        bare = dict(showgrid=False, nticks=5)
        axes[f"xaxis{number}"] = dict(bare, range=[x0, x1], domain=domain, anchor=f"y{number}")
        axes[f"yaxis{number}"] = dict(bare, range=[y0, y1], anchor=f"x{number}")
        images.append(_stretched(each.landscape.name, number))
        notes.append(dots.title(each.landscape.name.capitalize(), number))
    return layout(annotations=notes, images=images, dragmode=False, margin=dict(l=34, r=12, t=30, b=30), **axes)


def _stretched(name: str, axes: str) -> dict[str, Any]:
    place = dict(xref=f"x{axes} domain", yref=f"y{axes} domain")
    return dict(place, source=name)


def _caption(descents: Sequence[Descents], unable: Sequence[str], of: int) -> Markup:
    rates = [
        Markup("{} on {}").format(
            ", ".join(f"{path.optimizer} {words.rate(path.rate)}" for path in each.paths),
            each.landscape.name.capitalize(),
        )
        for each in descents
    ]
    left_out = Markup(" Not shown: {}, which cannot be run here.").format(words.listed(unable)) if unable else ""
    if of > palette.MANY:
        left_out = Markup("{} Of {} optimizers, the best and the best of each family.").format(left_out, of)
    return Markup(
        "{} steps from the cross; the star is the minimum. Each takes the rate of one grid ({} to {}) at which the "
        "mean of the function over the steps is lowest, and its defaults otherwise: these rates are not those of the "
        "race. "
        "Rates: {}.{}"
    ).format(
        descents[0].landscape.steps, words.rate(RATES[0]), words.rate(RATES[-1]), Markup("; ").join(rates), left_out
    )


def _table(descents: Sequence[Descents]) -> Table:
    names = [path.optimizer for path in descents[0].paths]
    headings, columns = ["optimizer"], [names]
    for each in descents:
        headings += [f"{each.landscape.name}: rate", f"{each.landscape.name}: at the end"]
        columns += [
            [words.rate(path.rate) for path in each.paths],
            [_end(path) for path in each.paths],
        ]
    return data_table("Rates, and the values of the functions at the end", headings, columns)


def _end(path: Path) -> str:
    return f"{path.losses[-1]:.3g}" if np.isfinite(path.losses[-1]) else "diverged"


def _alternative(descents: Sequence[Descents]) -> str:
    parts = []
    for each in descents:
        ends = "; ".join(f"{path.optimizer} {_end(path)} at rate {words.rate(path.rate)}" for path in each.paths)
        parts.append(f"On {each.landscape.name.capitalize()} the function ends at: {ends}")
    return f"Animation of the paths of the optimizers on two functions of two numbers. {'. '.join(parts)}."


def backdrop(landscape: Landscape, colours: tuple[str, str, str]) -> str:
    """Levels at equal ranks, so that a valley shows beside a wall.

    Args:
      landscape: of two numbers.
      colours: of the lowest level, of the highest, and of the lines between.
    """
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

    x, y, z = _heights(landscape)
    levels = np.unique(np.quantile(z, np.linspace(0, 1, LEVELS + 1) ** 1.5))
    shades = LinearSegmentedColormap.from_list("shades", colours[:2])(np.linspace(0, 1, len(levels) - 1))
    figure = Figure(figsize=(INCHES, INCHES), dpi=DPI)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    axes.contourf(x, y, z, levels=levels, colors=shades)
    axes.contour(x, y, z, levels=levels, colors=colours[2], linewidths=0.6)
    axes.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    return f"data:image/png;base64,{base64.b64encode(_small_png(figure)).decode()}"


def _small_png(figure: Any) -> bytes:
    """With few colours, since there are few."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    file = io.BytesIO()
    Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3]).quantize(48).save(file, "png", optimize=True)
    return file.getvalue()


def _heights(landscape: Landscape) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    (x0, y0), (x1, y1) = landscape.bounds
    x, y = np.linspace(x0, x1, GRID), np.linspace(y0, y1, GRID)
    with jax.enable_x64(True):
        grid = jnp.asarray(np.stack(np.meshgrid(x, y), axis=-1))
        return x, y, np.asarray(jax.vmap(jax.vmap(landscape.function))(grid))
