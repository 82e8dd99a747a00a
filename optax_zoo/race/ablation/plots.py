"""The picture of an ablation: main effects and interactions with their intervals."""

import os
from collections.abc import Sequence
from typing import Any

from optax_zoo.race.ablation.effects import Effect
from optax_zoo.race.ablation.outcome import Ablation
from optax_zoo.race.plots import DIVERGED, LITERAL, OURS, save, style, wrapped

UNDECIDED = "#8a8a8a"
WIDTH = 44  # characters in a line of a label


def draw_effects(ablation: Ablation, folder: str | os.PathLike[str]) -> None:
    """Writes `effects` into a folder, as PNG and SVG.

    Raises:
      MissingExtraError: without Matplotlib, which the extra `race` installs.
    """
    save({"effects": lambda: effects(ablation)}, folder)


def effects(ablation: Ablation) -> Any:
    """A line for each effect and interaction: mean over the final seeds and 95 % t-interval, filled where found."""
    from matplotlib.figure import Figure

    kinds = {"main effects": ablation.effects, "interactions": ablation.interactions}
    kinds = {title: found for title, found in kinds.items() if found}
    labels = {title: [_label(each) for each in found] for title, found in kinds.items()}
    lines = [sum(label.count("\n") + 1.6 for label in each) for each in labels.values()]
    settings = ablation.result.settings
    figure = Figure(figsize=(9.0, 1.4 + 0.16 * sum(lines) + 0.5 * len(lines)), layout="constrained")
    panels = figure.subplots(len(kinds), 1, sharex=True, squeeze=False, height_ratios=lines)[:, 0]
    title = wrapped(f"{ablation.base} on {settings.task}: change of the test {settings.metric}", 80)
    figure.suptitle(title, fontsize=11, **LITERAL)
    for panel, (name, found) in zip(panels, kinds.items(), strict=True):
        style(panel)
        panel.set_title(name, fontsize=10, loc="left")
        panel.axvline(0, color="#444444", linewidth=0.8)
        _points(panel, found)
        panel.set_yticks(range(len(found)), labels[name], fontsize=8, **LITERAL)
        panel.set_ylim(len(found) - 0.5, -0.5)
    note = f"mean of {settings.final_seeds} seeds and 95 % t-interval; filled: differs from 0 at 5 % over all (Holm)"
    panels[-1].set_xlabel(note, fontsize=9, **LITERAL)
    return figure


def _points(panel: Any, found: Sequence[Effect]) -> None:
    for place, effect in enumerate(found):
        if effect.mean is None or effect.half_width is None:
            where: dict[str, Any] = dict(transform=panel.get_yaxis_transform(), va="center", fontsize=8)
            panel.text(0.02, place, effect.verdict, color="#666666", **where)
            continue
        colour = UNDECIDED if not effect.found else OURS if effect.mean > 0 else DIVERGED
        ends = [effect.mean - effect.half_width, effect.mean + effect.half_width]
        panel.plot(ends, [place, place], color=colour, linewidth=1.8)
        panel.plot(effect.mean, place, "o", color=colour, markersize=6, fillstyle="full" if effect.found else "none")


def _label(effect: Effect) -> str:
    return " ×\n".join(wrapped(f"{slot}={level}", WIDTH) for slot, level in effect.changes.items())  # noqa: RUF001
