"""The pictures of results.md, from saved results."""

import numpy as np
from matplotlib.figure import Figure
from results_replay_tables import replay

from optax_zoo.race import load, summarize

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999")
DASHES = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (6, 2, 1, 2)))
SHOWN = ("sgd", "nag", "normalized nag, std", "adam", "normalized adam, std", "rmsprop")
LOWEST = 0.94  # of the scores that are drawn to scale


def panels(lines, columns, width=2.9, height=2.5, **options):
    figure = Figure(figsize=(width * columns, height * lines), layout="constrained", facecolor="white")
    axes = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
    for axis in axes.flat:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25)
        axis.set(**options)
    return figure, axes


def style(number):
    return {"color": COLOURS[number % len(COLOURS)], "linestyle": DASHES[number % len(DASHES)], "linewidth": 1.6}


def quadratic_deep(saved):
    """Test loss after each epoch, mean and range over the seeds, by order of the batches."""
    figure, axes = panels(1, 2, width=4, height=2.9, xlabel="epoch", ylim=(86.8, 90))
    for axis, (order, by) in zip(axes.flat, replay(saved, "quadratic_deep").items(), strict=True):
        for number, (name, losses) in enumerate(by.items()):
            losses, epochs = np.array(losses), np.arange(1, 101)
            axis.fill_between(epochs, losses.min(0), losses.max(0), color=COLOURS[number], alpha=0.2, linewidth=0)
            axis.plot(epochs, losses.mean(0), label=name, **style(number))
        axis.set_title(order, fontsize=10)
    axes[0, 0].set_ylabel("test loss")
    handles = axes[0, 0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside right center", frameon=False, fontsize=9)
    return figure


def reddi(saved):
    """Mean x over whole periods against steps, by rate."""
    paths = replay(saved, "reddi")["paths"]
    figure, axes = panels(1, len(paths), width=4, height=3.2, xlabel="step", xscale="log", ylim=(-1.05, 1.05))
    for axis, (rate, by) in zip(axes.flat, paths.items(), strict=True):
        for number, (name, path) in enumerate(by.items()):
            axis.plot(path["steps"], path["x"], label=name, **style(number))
        axis.set_title(f"rate {rate}", fontsize=10)
    axes[0, 0].set_ylabel("x (best: -1)")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right center", frameon=False, fontsize=9)
    return figure


def convex(saved):
    """The gap to the minimum as a share of that at the start, median over ten problems, a line for each rate."""
    found = replay(saved, "convex")
    figure, axes = panels(2, 3, yscale="log", ylim=(5e-3, 2))
    minimum = np.array(found["minimum"])[:, None]
    for axis, name in zip(axes.flat, SHOWN, strict=True):
        for number, (rate, losses) in enumerate(found["losses"][name].items()):
            gap = np.array(losses, float) - minimum
            steps = np.linspace(0, 1000, gap.shape[1])
            axis.plot(steps, np.median(gap / gap[:, :1], axis=0), label=rate, **style(number))
        axis.set_title(name, fontsize=10)
    figure.supylabel("gap to the minimum", fontsize=10)
    figure.supxlabel("step", fontsize=10)
    handles = axes[0, 0].get_legend_handles_labels()
    figure.legend(*handles, title="rate", loc="outside right center", frameon=False, fontsize=9)
    return figure


def across(saved):
    """Score of each optimizer over both tasks with its interval, the best on top."""
    summary = summarize([load(saved / name) for name in ("digits_mlp", "mnist1d_mlp")])
    names = summary.optimizers[::-1]
    figure = Figure(figsize=(7, 0.2 * len(names) + 0.7), layout="constrained", facecolor="white")
    axis = figure.subplots()
    for line, name in enumerate(names):
        value, low, high = summary.scores[name].overall
        colour, mark = (COLOURS[1], "s") if name.startswith("optax.") else (COLOURS[0], "o")
        if value < LOWEST:
            axis.text(LOWEST, line, f"\N{LEFTWARDS ARROW} {value:.2f}", color=colour, fontsize=8, va="center")
            continue
        axis.plot([low, high], [line, line], color=colour, linewidth=2, alpha=0.5)
        axis.plot(value, line, mark, color=colour, markersize=4)
    axis.set_yticks(range(len(names)), names, fontsize=8)
    axis.set(xlim=(LOWEST - 0.002, 1.01), ylim=(-0.7, len(names) - 0.3))
    axis.set_xlabel("score (0: untrained, 1: best of the task), IQM and 95 % interval")
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(alpha=0.25)
    return figure


FIGURES = {"quadratic_deep": quadratic_deep, "reddi": reddi, "convex": convex, "across": across}
