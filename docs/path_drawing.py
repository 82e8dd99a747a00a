"""The paths of an algorithm on landscapes, from docs/results/paths.json, over their level lines."""

import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import svg
from paths import FILE, SHOWN

from optax_zoo.animate import LANDSCAPES, Landscape

SIDE, GAP, HEAD = 208.0, 18.0, 22.0
LEVELS = 9
GRID = 40


def path_drawing(name: str) -> str | None:
    """Three pictures side by side; None where no path of the algorithm was saved."""
    found = saved().get(name, {})
    if not any(found.values()):
        return None
    parts = []
    for number, landscape in enumerate(SHOWN):
        left = number * (SIDE + GAP)
        path = found[landscape]
        title = landscape if path is None else f"{landscape}, rate {path['rate']:.3g}"
        parts.append(svg.text(left, 13, title, svg.FAINT))
        parts += [svg.polyline(moved(line, left), svg.LINE, 1) for line in level_lines(landscape)]
        parts += [svg.disc(*shifted(point, left), svg.COLOURS[2], 3) for point in minima(LANDSCAPES[landscape])]
        if path is not None:
            points = [shifted(placed(point, LANDSCAPES[landscape]), left) for point in path["points"]]
            parts += [svg.polyline(points, svg.COLOURS[0]), svg.disc(*points[0], svg.COLOURS[0], hollow=True)]
            parts.append(svg.disc(*points[-1], svg.COLOURS[1]))
    return svg.drawing(3 * SIDE + 2 * GAP, HEAD + SIDE + 6, parts, f"Paths of {name} on {', '.join(SHOWN)}")


@functools.cache
def saved() -> dict[str, dict[str, dict[str, list[list[float]]]]]:
    """What docs/paths.py has found."""
    return json.loads(FILE.read_text())


def placed(point: list[float], landscape: Landscape) -> svg.Point:
    """Where a point is in a picture of its own."""
    low, high = landscape.bounds
    x, y = (np.asarray(point) - low) / (high - low)
    return float(x * SIDE), float(HEAD + (1 - y) * SIDE)


def shifted(point: svg.Point, left: float) -> svg.Point:
    return point[0] + left, point[1]


def moved(line: list[svg.Point], left: float) -> list[svg.Point]:
    return [shifted(point, left) for point in line]


def minima(landscape: Landscape) -> list[svg.Point]:
    return [placed(list(point), landscape) for point in landscape.minima]


@functools.cache
def level_lines(name: str) -> list[list[svg.Point]]:
    """Lines on which the landscape is equally high, nearer to each other where it is low."""
    from contourpy import contour_generator

    landscape = LANDSCAPES[name]
    low, high = landscape.bounds
    axes = [np.linspace(a, b, GRID) for a, b in zip(low, high, strict=True)]
    x, y = np.meshgrid(*axes)
    z = np.asarray(jax.vmap(landscape.function)(jnp.stack([x.ravel(), y.ravel()], -1))).reshape(x.shape)
    rank = np.sign(z) * np.log1p(np.abs(z))
    levels = np.linspace(rank.min(), rank.max(), LEVELS + 2)[1:-1]
    lines = contour_generator(x, y, rank).multi_lines(levels)
    return [[placed(list(point), landscape) for point in line] for group in lines for line in group]
