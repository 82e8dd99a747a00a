"""Profiles: how well how many runs do, and how soon how many tasks are solved."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from optax_zoo.race.analysis.summary import ScoreProfile, Summary
from optax_zoo.race.html import figures, words
from optax_zoo.race.html.figures import Figure, layout, line
from optax_zoo.race.html.palette import Look
from optax_zoo.race.html.tables import Cell, Column, Table, data_table

LEARNED = 0.5


def scores(summary: Summary, looks: Mapping[str, Look]) -> Figure:
    """The share of runs above each normalized score."""
    profiles = summary.profile_of_scores
    over = "the task" if len(summary.tasks) == 1 else f"all {len(summary.tasks)} tasks"
    return Figure(
        id="profile-scores",
        caption=f"Share of the runs of {over} whose score is above a threshold, and its pointwise 95 % bootstrap band"
        f"{figures.which_bands(profiles)}. "
        "The score is 0 for the untrained model and for a run that diverged, 1 for the best optimizer of the task. The "
        "further to the right, the better.",
        alternative=f"Performance profile. Share of runs with a score above 0.9: {_above(profiles, 0.9)}; above 0.98: "
        f"{_above(profiles, 0.98)}.",
        traces=[trace for name, each in profiles.items() for trace in _band_and_line(each, looks[name])],
        layout=layout(
            xaxis=dict(title="score τ", range=_range(profiles)),
            yaxis=dict(title="share of runs above τ", range=[-0.02, 1.04]),
        ),
        height=400,
        legend=[looks[name] for name in profiles],
        bands=len(profiles) > figures.BANDS,
        table=_table(profiles),
    )


def steps(summary: Summary, looks: Mapping[str, Look]) -> Figure | None:
    """The share of tasks whose target is reached within a multiple of the least steps; None without such tasks."""
    profiles = summary.profile_of_steps
    if not profiles:
        return None
    last = 1.1 * max(ratio for each in profiles.values() for ratio in each.ratios)
    traces = []
    for name, each in profiles.items():
        stairs = line(
            looks[name],
            x=words.rounded([*each.ratios, last]),
            y=words.rounded([*each.share, each.share[-1]]),
            text=words.plain(name),
            hoverinfo="text+x+y",
        )
        stairs["line"]["shape"] = "hv"
        traces.append(stairs)
    ends = "; ".join(f"{name} {each.share[0]:.0%} and {each.share[-1]:.0%}" for name, each in profiles.items())
    return Figure(
        id="profile-steps",
        caption=f"Share of the {words.count(len(summary.timed_tasks), 'task')} with a target on which the median run "
        "reaches it within a multiple of the least steps of any optimizer: on the left, how often an optimizer is the "
        "fastest, on the right, how often it gets there at all.",
        alternative=f"Profile of steps to the target. Share of tasks on which it is the fastest, and reached: {ends}.",
        traces=traces,
        layout=layout(
            xaxis=dict(title="steps over the least steps", type="log", range=[0, float(np.log10(last))], nticks=8),
            yaxis=dict(title="share of tasks", range=[-0.02, 1.04]),
        ),
        height=360,
        legend=[looks[name] for name in profiles],
        table=_ratios(summary),
    )


def improvement(summary: Summary) -> Table:
    """The probability that a run of the row beats one of the column."""
    names = summary.optimizers
    rows = []
    for first in names:
        cells = [_improvement(summary, first, second) for second in names]
        rows.append((Cell(first, first), *cells))
    caption = (
        "Probability of improvement: that a run of the row beats one of the column, ties counted half"
        + (", mean over tasks" if len(summary.tasks) > 1 else "")
        + ", with its 95 % bootstrap interval. Coloured where the interval leaves out 0.5."
    )
    return Table(caption, (Column("Beats", numeric=False), *map(Column, names)), tuple(rows), matrix=True)


def _improvement(summary: Summary, first: str, second: str) -> Cell:
    if first == second:
        return Cell("")
    value, low, high = summary.improvement[first, second]
    tone = 2 * value - 1 if low > 0.5 or high < 0.5 else None
    return Cell(f"{value:.2f}", value, f"{low:.2f} to {high:.2f}", tone)


def _band_and_line(profile: ScoreProfile, look: Look) -> list[dict[str, Any]]:
    thresholds = list(profile.thresholds)
    area = figures.band(look, thresholds, words.rounded(profile.low, 3), words.rounded(profile.high, 3))
    name = words.plain(look.name)
    texts = [
        f"{name}<br>{share:.0%} of runs above {threshold:g}"
        for threshold, share in zip(thresholds, profile.share, strict=True)
    ]
    return [area, line(look, x=thresholds, y=words.rounded(profile.share, 3), text=texts, hoverinfo="text")]


def _range(profiles: Mapping[str, ScoreProfile]) -> list[float]:
    """From where the first run falls behind, of those optimizers of which most runs have learned something."""
    thresholds = np.asarray(next(iter(profiles.values())).thresholds)
    shares = np.asarray([each.share for each in profiles.values()])
    learned = shares[shares[:, np.searchsorted(thresholds, LEARNED)] > LEARNED]
    behind = (learned < learned[:, :1]).any(axis=0) if len(learned) else np.ones(len(thresholds), bool)
    ahead = np.flatnonzero(shares.max(axis=0) > 0)
    low = thresholds[max(0, int(behind.argmax()) - 3)]
    high = thresholds[min(len(thresholds) - 1, int(ahead.max(initial=0)) + 2)]
    return [float(low), float(max(high, low + 0.05))]


def _ratios(summary: Summary) -> Table:
    columns = [list(summary.profile_of_steps)]
    for place in range(len(summary.timed_tasks)):
        ratios = [each.by_task[place] for each in summary.profile_of_steps.values()]
        columns.append([f"{ratio:.2f}" if np.isfinite(ratio) else "not reached" for ratio in ratios])
    return data_table("Steps to the target over the least steps", ["optimizer", *summary.timed_tasks], columns)


def _above(profiles: Mapping[str, ScoreProfile], threshold: float) -> str:
    place = next(iter(profiles.values())).thresholds.index(threshold)
    return ", ".join(f"{name} {each.share[place]:.0%}" for name, each in profiles.items())


def _table(profiles: Mapping[str, ScoreProfile]) -> Table:
    thresholds = next(iter(profiles.values())).thresholds
    low, high = _range(profiles)
    shown = [place for place, threshold in enumerate(thresholds) if low <= threshold <= high]
    columns = [[f"{each.share[place]:.0%}" for place in shown] for each in profiles.values()]
    return data_table(
        "Share of runs with a score above a threshold",
        ["score", *profiles],
        [[f"{thresholds[place]:g}" for place in shown], *columns],
    )
