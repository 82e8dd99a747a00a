"""The picture of a landscape behind the paths: a small PNG in a data URI, for a light and for a dark page."""

import base64
import io
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from optax_zoo.animate.landscapes import Landscape

GRID, LEVELS, INCHES, DPI = 160, 14, 4.0, 160
LIGHT = "#cfd6dd", "#f7f8fa", "#ffffff"
DARK = "#46505c", "#171b20", "#14171b"


def backdrop(landscape: Landscape, colours: tuple[str, str, str]) -> str:
    """Levels at equal ranks, so that a valley is seen beside a wall.

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
    """With few colours, as there are few."""
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
