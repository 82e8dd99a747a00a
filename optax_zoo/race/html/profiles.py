"""Profiles: how well how many runs do, and how soon how many tasks are solved."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from optax_zoo.race.analysis.summary import ScoreProfile, Summary
from optax_zoo.race.html import figures, words
from optax_zoo.race.html.figures import Figure, layout, line
from optax_zoo.race.html.palette import Look
from optax_zoo.race.html.tables import Cell, Column, Table, data_table

LEARNED = 0.5
MOST_POINTS, MOST_COLUMNS = 56, 24
MOST = 20  # optimizers in the table of pairs


def scores(summary: Summary, looks: Mapping[str, Look]) -> Figure:
    """The share of runs above each normalized score."""
    profiles = summary.profile_of_scores
    shown = [looks[name] for name in profiles]
    named = {look.name: profiles[look.name] for look in shown if look.stands_out}
    thresholds = next(iter(profiles.values())).thresholds
    low, high = _range(profiles)
    places = _spread([place for place, x in enumerate(thresholds) if low - 0.02 <= x <= high + 0.02], MOST_POINTS)
    over = "the task" if len(summary.tasks) == 1 else f"all {len(summary.tasks)} tasks"
    return Figure(
        id="profile-scores",
        caption=f"Share of the runs of {over} whose score is above a threshold, and its pointwise 95 % bootstrap band"
        f"{figures.which_bands(profiles)}. "
        "The score is 0 for the untrained model and for a run that diverged, 1 for the best optimizer of the task. The "
        f"further to the right, the better.{figures.which_lines(shown)}",
        alternative=f"Performance profile. Share of runs with a score above 0.9: {_above(named, 0.9)}; above 0.98: "
        f"{_above(named, 0.98)}.",
        traces=[_banded_line(each, places, looks[name]) for name, each in reversed(list(profiles.items()))],
        layout=layout(
            xaxis=dict(title="score τ", range=[low, high]),
            yaxis=dict(title="share of runs above τ", range=[-0.02, 1.04]),
            across="score",
        ),
        height=400,
        legend=[look for look in shown if look.stands_out],
        shared={"thresholds": [thresholds[place] for place in places]},
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
        )
        stairs["line"]["shape"] = "hv"
        traces.append(stairs)
    shown = [looks[name] for name in profiles]
    named = {look.name: profiles[look.name] for look in shown if look.stands_out}
    ends = "; ".join(f"{name} {each.share[0]:.0%} and {each.share[-1]:.0%}" for name, each in named.items())
    return Figure(
        id="profile-steps",
        caption=f"Share of the {words.count(len(summary.timed_tasks), 'task')} with a target on which the median run "
        "reaches it within a multiple of the least steps of any optimizer: on the left, how often an optimizer is the "
        f"fastest, on the right, how often it gets there at all.{figures.which_lines(shown)}",
        alternative=f"Profile of steps to the target. Share of tasks on which it is the fastest, and reached: {ends}.",
        traces=traces,
        layout=layout(
            xaxis=dict(title="steps over the least steps", type="log", range=[0, float(np.log10(last))], nticks=8),
            yaxis=dict(title="share of tasks", range=[-0.02, 1.04]),
            across="ratio",
        ),
        height=360,
        legend=[look for look in shown if look.stands_out],
        table=_ratios(summary),
    )


def improvement(summary: Summary) -> Table:
    """The probability that a run of the row beats one of the column."""
    names = summary.optimizers[:MOST]
    rows = []
    for first in names:
        cells = [_improvement(summary, first, second) for second in names]
        rows.append((Cell(first, first), *cells))
    best = f" Of {len(summary.optimizers)} the best {MOST}." if len(summary.optimizers) > MOST else ""
    caption = (
        "Probability of improvement: that a run of the row beats one of the column, ties counted half"
        + (", mean over tasks" if len(summary.tasks) > 1 else "")
        + ", with its 95 % bootstrap interval. Coloured where the interval leaves out 0.5."
        + best
    )
    return Table(caption, (Column("Beats", numeric=False), *map(Column, names)), tuple(rows), matrix=True)


def _improvement(summary: Summary, first: str, second: str) -> Cell:
    if first == second:
        return Cell("")
    value, low, high = summary.improvement[first, second]
    tone = 2 * value - 1 if low > 0.5 or high < 0.5 else None
    return Cell(f"{value:.2f}", value, f"{low:.2f} to {high:.2f}", tone)


def _banded_line(profile: ScoreProfile, places: Sequence[int], look: Look) -> dict[str, Any]:
    share, low, high = (
        words.rounded([each[place] for place in places], 3) for each in (profile.share, profile.low, profile.high)
    )
    return line(look, x="thresholds", y=share, **figures.banded(look, low, high))


def _spread(places: Sequence[int], most: int) -> list[int]:
    """Evenly spaced ones of these, about so many at most, and the last."""
    every = -(-len(places) // most)
    return [*places[:-1:every], places[-1]]


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
    shown = _spread([place for place, x in enumerate(thresholds) if low <= x <= high], MOST_COLUMNS)
    columns = [[f"{each.share[place]:.0%}" for each in profiles.values()] for place in shown]
    return data_table(
        "Share of runs with a score above a threshold",
        ["optimizer", *(f"{thresholds[place]:g}" for place in shown)],
        [list(profiles), *columns],
    )
