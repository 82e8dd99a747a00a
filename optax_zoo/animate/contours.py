"""The picture of a landscape of two numbers: contours, and the path of each optimizer on them."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from optax_zoo.animate.animation import Animation
from optax_zoo.animate.style import fill, label, last_finite, styled

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
        named = animation.named
        others = len(animation.paths) - len(named)
        legend.set(xlim=(0, 1), ylim=(max(len(named) + 1, 12) - 0.5, -0.5))
        legend.axis("off")
        if others:
            legend.text(0.23, len(named), f"in grey: {others} others", va="center", fontsize=8)
        title: dict[str, Any] = dict(ha="right", fontsize=10, animated=True)
        self.counter = self.axes.text(1, 1.02, "", transform=self.axes.transAxes, **title)
        self.looks = styled(animation.paths, named)
        self.trails, self.dots, self.notes = [], [], {}
        for path, look in self.looks:
            if look.place is not None:
                legend.plot([0, 0.16], [look.place] * 2, **look.lines)
                legend.plot([0.16], [look.place], **look.marks)
                legend.text(0.23, look.place, label(path), va="center", fontsize=8)
                note: dict[str, Any] = dict(va="center", fontsize=7, color="#555555", animated=True)
                self.notes[path.optimizer] = legend.text(0.23, look.place + 0.42, "", **note)
            self.trails += self.axes.plot([], [], animated=True, **look.lines)
            self.dots += self.axes.plot([], [], clip_on=False, animated=True, linestyle="", **look.marks)
        self.moving = [*self._below(self.trails), *self._below(self.dots), *self.notes.values(), self.counter]

    def _below(self, artists: list[Any]) -> list[Any]:
        """In the order in which they are drawn: the others, then the named, the first on top."""
        grey = sum(look.place is None for _, look in self.looks)
        return [*artists[:grey], *reversed(artists[grey:])]

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
        for number, (path, look) in enumerate(self.looks):
            outside = not self.animation.landscape.inside(path.points[step])
            points = last_finite(path.points[: step + 1])
            far = 10 * (high - low)
            self.trails[number].set_data(*np.clip(points, low - far, high + far).T)
            self.dots[number].set_data(*np.clip(points[-1:], low, high).T)
            fill(self.dots[number], look.colour, outside)
            if path.optimizer in self.notes:
                self.notes[path.optimizer].set_text("left the picture" if outside else "")
