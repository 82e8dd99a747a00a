"""The picture of a landscape of two numbers: contours, and the path of each optimizer on them."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from optax_zoo.animate.animation import Animation
from optax_zoo.animate.style import fill, label, last_finite, style

LEVELS = 14


class Contours:
    """Paths over contours, and a legend that says which have left the picture.

    Attributes:
      figure: the matplotlib figure.
      moving: the artists that change from step to step, in the order in which they are drawn.
    """

    def __init__(self, animation: Animation) -> None:
        from matplotlib.figure import Figure

        self.animation = animation
        self.figure = Figure(figsize=(8.4, 5.6), dpi=110)
        self.axes = self.figure.add_axes((0.09, 0.09, 0.6, 0.84))
        legend = self.figure.add_axes((0.72, 0.09, 0.27, 0.84))
        self._draw_landscape()
        legend.set(xlim=(0, 1), ylim=(max(len(animation.paths), 12) - 0.5, -0.5))
        legend.axis("off")
        title: dict[str, Any] = dict(ha="right", fontsize=10, animated=True)
        self.counter = self.axes.text(1, 1.02, "", transform=self.axes.transAxes, **title)
        self.trails, self.dots, self.notes = [], [], []
        for number, path in enumerate(animation.paths):
            look = style(number)
            marks: dict[str, Any] = dict(color=look.colour, marker=look.marker, markersize=7, markeredgecolor="white")
            legend.plot([0, 0.16], [number] * 2, color=look.colour, linestyle=look.dash, linewidth=1.6)
            legend.plot([0.16], [number], **marks)
            legend.text(0.23, number, label(path), va="center", fontsize=8)
            note: dict[str, Any] = dict(va="center", fontsize=7, color="#555555", animated=True)
            self.notes.append(legend.text(0.23, number + 0.42, "", **note))
            line: dict[str, Any] = dict(color=look.colour, linestyle=look.dash, linewidth=1.6, alpha=0.9)
            self.trails += self.axes.plot([], [], animated=True, **line)
            self.dots += self.axes.plot([], [], clip_on=False, animated=True, linestyle="", **marks)
        self.moving = [*reversed(self.trails), *reversed(self.dots), *self.notes, self.counter]

    def _draw_landscape(self) -> None:
        landscape, axes = self.animation.landscape, self.axes
        (x0, y0), (x1, y1) = landscape.bounds
        x, y = np.meshgrid(np.linspace(x0, x1, 240), np.linspace(y0, y1, 240))
        with jax.enable_x64(True):
            z = np.asarray(jax.vmap(jax.vmap(landscape.function))(jnp.asarray(np.stack([x, y], axis=-1))))
        levels = np.unique(np.quantile(z[np.isfinite(z)], np.linspace(0, 1, LEVELS + 1) ** 1.5))
        if len(levels) > 1:
            shades = np.linspace(0.72, 0.97, len(levels) - 1)
            axes.contourf(x, y, z, levels=levels, colors=[(s, s, s) for s in shades])
            axes.contour(x, y, z, levels=levels, colors="white", linewidths=0.5)
        axes.plot(*landscape.start, "x", color="black", markersize=9, markeredgewidth=2)
        for minimum in landscape.minima:
            axes.plot(*minimum, "*", color="white", markersize=15, markeredgecolor="black")
        axes.set(xlim=(x0, x1), ylim=(y0, y1), xlabel="x", ylabel="y")
        axes.set_title(landscape.formula or landscape.name, fontsize=9, loc="left")

    def show(self, step: int) -> None:
        """Moves everything to where it is after a step."""
        self.counter.set_text(f"step {step} of {self.animation.steps}")
        low, high = self.animation.landscape.bounds
        for number, path in enumerate(self.animation.paths):
            outside = not self.animation.landscape.inside(path.points[step])
            points = last_finite(path.points[: step + 1])
            far = 10 * (high - low)
            self.trails[number].set_data(*np.clip(points, low - far, high + far).T)
            self.dots[number].set_data(*np.clip(points[-1:], low, high).T)
            fill(self.dots[number], style(number).colour, outside)
            self.notes[number].set_text("left the picture" if outside else "")
