"""The picture of choose.md: scores by task, how many rates do, memory and time, from saved races."""

import numpy as np
from choose_races import TASKS
from choose_tables import KEPT, rates_kept, state_bytes, summary_of, times_of
from matplotlib.figure import Figure

NAMES = {"friedman_mlp": "tabular\nregression", "word_bags": "words,\nsparse", "digits_deep": "deep MLP,\nno norms"}
NAMES |= {"matrix_factors": "matrix\nfactors", "mnist1d_mlp": "MNIST-1D,\nMLP", "char_lm": "characters,\ntransformer"}
NAMES |= {"mnist5k_cnn": "MNIST 5k,\nCNN"}
LEAST = 0.8  # of scores that colours tell apart
BLUE = "#0072b2"


def picture(saved):
    """A line an optimizer, the best on top: scores in colour and bars of what it asks for."""
    summary = summary_of(saved)
    names, tasks = list(summary.scores), sorted(TASKS)
    figure = Figure(figsize=(10.5, 0.235 * len(names) + 1.3), layout="constrained", facecolor="white")
    heat, *bars = figure.subplots(1, 4, width_ratios=(4.2, 1, 1, 1), sharey=True)
    scores = np.array([summary.scores[name].by_task for name in names])
    image = heat.imshow(np.clip(scores, LEAST, 1), cmap="viridis", vmin=LEAST, vmax=1, aspect="auto")
    for (line, column), score in np.ndenumerate(scores):
        light = score < (1 + LEAST) / 2
        text = f"{score:.2f}".replace("0.", ".", 1)
        heat.text(column, line, text, ha="center", va="center", fontsize=7.5, color="white" if light else "black")
    labels = [f"{name}  {summary.scores[name].overall.value:.2f}" for name in names]
    heat.set_yticks(range(len(names)), labels, fontsize=8.5)
    heat.set_xticks(range(len(tasks)), [NAMES[task] for task in tasks], fontsize=7.5)
    heat.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0)
    heat.set_title("score by task; beside the name over all", fontsize=9)
    times = times_of(saved)["ratios"]
    kept = [rates_kept(saved, name) for name in names]
    columns = (
        (f"rates of the grid\nthat keep {100 * KEPT:.0f} %", kept),
        ("bytes of state\na parameter", [state_bytes(saved, name) for name in names]),
        ("time of a step\n(Adam: 1)", [times[name] for name in names]),
    )
    for axis, (title, values) in zip(bars, columns, strict=True):
        most = 3 * np.median(values)
        axis.barh(range(len(names)), np.minimum(values, most), color=BLUE, height=0.7)
        for line, value in enumerate(values):
            text = f" {value:.2g}" if value < 99 else f" {value:.0f}"
            axis.text(min(value, most), line, text, va="center", fontsize=7)
        axis.set_title(title, fontsize=8)
        axis.set_xlim(0, 1.35 * min(most, max(values)))
        axis.spines[["top", "right", "bottom"]].set_visible(False)
        axis.tick_params(left=False, bottom=False, labelbottom=False)
    label = f"score; {LEAST} and less are darkest"
    figure.colorbar(image, ax=bars, location="bottom", shrink=0.6, aspect=40, label=label)
    return figure
