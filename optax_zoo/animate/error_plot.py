"""The picture of all errors against steps."""

from typing import Any

import numpy as np

from optax_zoo.animate.animation import Animation
from optax_zoo.animate.style import label, styled

SPAN = 12


def error_plot(animation: Animation) -> Any:
    """Errors on a logarithmic scale, at most `SPAN` decades of them; the legend has the order of the lines' ends."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.4), layout="constrained")
    axes = figure.subplots()
    ends, lines, names = [], [], []
    for path, look in styled(animation.paths, animation.named):
        errors = animation.errors(path)
        shown = np.where(np.isfinite(errors) & (errors > 0), errors, np.nan)
        (line,) = axes.plot(shown, **look.lines)
        if look.place is None:
            continue
        every = max(1, animation.steps // 8)
        line.set(marker=look.marker, markersize=4.5, markevery=(look.place * every // len(animation.named), every))
        ends.append(errors[-1] if np.isfinite(errors[-1]) else np.inf)
        lines.append(line)
        names.append(label(path) + ("" if path.left is None else ", left the picture"))
    _scale(axes, animation)
    order = np.argsort(ends, kind="stable")[::-1]
    title = "from the largest final error\nto the smallest"
    if len(names) < len(animation.paths):
        title += f"\n(in grey: {len(animation.paths) - len(names)} others)"
    figure.legend(
        [lines[i] for i in order],
        [names[i] for i in order],
        loc="outside right center",
        frameon=False,
        fontsize=8,
        title=title,
        title_fontsize=8,
        handlelength=3.5,
    )
    return figure


def _scale(axes: Any, animation: Animation) -> None:
    known = animation.landscape.lowest is not None
    axes.set_yscale("log")
    axes.set(
        xlabel="step",
        ylabel="|f - f_min|" if known else "f - lowest value seen in the picture",
        xlim=(0, animation.steps),
    )
    axes.set_title(f"{animation.landscape.name}: error against steps", fontsize=10)
    errors = np.concatenate(
        [animation.errors(path)[animation.landscape.inside(path.points)] for path in animation.paths]
    )
    errors = errors[np.isfinite(errors) & (errors > 0)]
    if errors.size:
        high = errors.max()
        axes.set_ylim(max(errors.min() / 2, high / 10**SPAN), 3 * high)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
