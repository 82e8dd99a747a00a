"""The picture of a landscape of one number: the curve, and below it a lane for each optimizer."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from optax_zoo.animate.animation import Animation
from optax_zoo.animate.style import Style, fill, label, last_finite, styled

GREY = "#8a8a8a"


class Curve:
    """Points move along the curve, where some coincide, and each in a lane of its own, where none do.

    Attributes:
      figure: the matplotlib figure.
      moving: the artists that change from step to step, in the order in which they are drawn.
    """

    def __init__(self, animation: Animation) -> None:
        from matplotlib.figure import Figure

        self.animation = animation
        upper, lower = 2.4, 0.22 * len(animation.named) + 0.2
        height = upper + lower + 1.1
        self.figure = Figure(figsize=(8, height), dpi=110)
        top = self.figure.add_axes((0.21, (lower + 0.6) / height, 0.62, upper / height))
        bottom = self.figure.add_axes((0.21, 0.45 / height, 0.62, lower / height), sharex=top)
        (self.low,), (self.high,) = animation.landscape.bounds
        self._draw_curve(top)
        self._draw_lanes(bottom)
        self.counter = top.text(1, 1.04, "", transform=top.transAxes, ha="right", fontsize=10, animated=True)
        self.looks = styled(animation.paths, animation.named)
        self.points, self.lanes = [], {}
        for path, look in self.looks:
            self.points += top.plot([], [], linestyle="", clip_on=False, animated=True, **look.marks)
            if look.place is not None:
                self.lanes[path.optimizer] = _lane(bottom, look)
        lanes = [artist for lane in self.lanes.values() for artist in lane]
        grey = len(self.looks) - len(self.lanes)
        self.moving = [*lanes, *self.points[:grey], *reversed(self.points[grey:]), self.counter]

    def _draw_curve(self, axes: Any) -> None:
        landscape = self.animation.landscape
        x = np.linspace(self.low, self.high, 400)
        with jax.enable_x64(True):
            y = np.asarray(jax.vmap(landscape.function)(jnp.asarray(x)[:, None]))
        axes.plot(x, y, color=GREY, linewidth=1.5)
        axes.set(xlim=(self.low, self.high), ylabel="f(x)")
        axes.set_title(landscape.formula or landscape.name, fontsize=10, loc="left")
        axes.tick_params(labelbottom=False)
        axes.spines[["top", "right"]].set_visible(False)
        self._mark_minima(axes)

    def _draw_lanes(self, axes: Any) -> None:
        paths = self.animation.named
        others = len(self.animation.paths) - len(paths)
        if others:
            axes.text(1.0, 1.01, f"{others} others: in grey above", transform=axes.transAxes, ha="right", fontsize=8)
        axes.set(ylim=(len(paths) - 0.4, -0.6), xlabel="x")
        axes.set_yticks(range(len(paths)), [label(path) for path in paths], fontsize=8)
        axes.tick_params(axis="y", length=0)
        axes.hlines(range(len(paths)), self.low, self.high, color="#eeeeee", linewidth=0.8, zorder=0)
        axes.spines[["top", "right", "left"]].set_visible(False)
        self._mark_minima(axes)

    def _mark_minima(self, axes: Any) -> None:
        for number, (x,) in enumerate(self.animation.landscape.minima):
            axes.axvline(x, color=GREY, linewidth=0.8, linestyle="-" if number == 0 else ":", zorder=0)

    def show(self, step: int) -> None:
        """Moves everything to where it is after a step."""
        self.counter.set_text(f"step {step} of {self.animation.steps}")
        for number, (path, look) in enumerate(self.looks):
            outside = not self.animation.landscape.inside(path.points[step])
            shown = slice(0, 0) if outside else slice(step, step + 1)
            self.points[number].set_data(path.points[shown, 0], path.losses[shown])
            if look.place is None:
                continue
            trail, dot, note = self.lanes[path.optimizer]
            x = np.clip(last_finite(path.points[: step + 1])[:, 0], self.low, self.high)
            trail.set_data(x, np.full(len(x), look.place))
            dot.set_data(x[-1:], [look.place])
            fill(dot, look.colour, outside)
            note.set_text("left the picture" if outside else "")


def _lane(axes: Any, look: Style) -> tuple[Any, Any, Any]:
    """The trail of an optimizer, its point, and what is said of it on the right."""
    (dot,) = axes.plot([], [], linestyle="", clip_on=False, animated=True, **look.marks)
    (trail,) = axes.plot([], [], color=look.colour, linewidth=2, alpha=0.45, animated=True)
    place: dict[str, Any] = dict(va="center", fontsize=8, color="#555555", animated=True)
    return trail, dot, axes.text(1.015, look.place, "", transform=axes.get_yaxis_transform(), **place)
