"""The summary of races over several tasks, or over one.

Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice", 2021, for scores, their profiles
and the probability of improvement; Dolan and Moré, "Benchmarking optimization software with performance profiles",
2002, for the profiles of steps.
"""

import collections
import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from optax_zoo.race.analysis.across import Outcome, improvements, share_above
from optax_zoo.race.analysis.verdicts import Standing, standing
from optax_zoo.race.rows import Raced
from optax_zoo.race.statistics.estimates import interquartile_mean, rounded, stratified_counts, stratified_interval
from optax_zoo.running.errors import RaceError

THRESHOLDS = np.linspace(0.0, 1.1, 111).round(2)


class Estimate(NamedTuple):
    """A figure with the lower and upper end of its 95 % stratified bootstrap interval."""

    value: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class Scores:
    """How one optimizer did, in scores that can be compared across tasks.

    Attributes:
      overall: interquartile mean of the normalized scores of all runs of all tasks.
      by_task: interquartile mean of the normalized scores of each task.
      runs: normalized scores by task and final seed.
      ranks: by task, 1 for the best test metric; ties share their mean rank.
      reached: by task, whether the median run reached the target; None for a task without a target.
    """

    overall: Estimate
    by_task: tuple[float, ...]
    runs: tuple[tuple[float, ...], ...] = dataclasses.field(repr=False)
    ranks: tuple[float, ...]
    reached: tuple[bool | None, ...]


@dataclasses.dataclass(frozen=True)
class ScoreProfile:
    """The share of runs, over all tasks and seeds, with a normalized score above each threshold.

    Attributes:
      thresholds: ascending, the same for all optimizers.
      share: by threshold, never rising.
      low: lower end of the pointwise 95 % stratified bootstrap band.
      high: its upper end.
    """

    thresholds: tuple[float, ...]
    share: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class StepsProfile:
    """The share of tasks whose target is reached within a multiple of the least number of steps.

    Attributes:
      by_task: median steps to the target over the least of any optimizer, infinite where it is not reached; by task of
        `Summary.timed_tasks`.
      ratios: ascending from 1, the same for all optimizers: all finite ratios, where the profiles have their steps.
      share: by ratio, never falling; it stays at the last value from there on.
    """

    by_task: tuple[float, ...]
    ratios: tuple[float, ...]
    share: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class Summary:
    r"""Races summarized over their tasks. All mappings are keyed by optimizer, the best `Scores.overall` first.

    The **normalized score** of a run with test metric :math:`x` is :math:`\max(0, (x - u) / (b - u))`, where :math:`u`
    is the metric before training and :math:`b` the highest interquartile mean of any optimizer on the task, so that 0
    has learned nothing and 1 is as good as the best optimizer. A run that diverged scores 0, and is the lowest of its
    optimizer for :math:`b`. Where :math:`b` is not above :math:`u`, all score 0. A metric that is shifted, or scaled by
    a positive number, changes no score.

    The **profile of scores** is the share of runs, :math:`\frac{1}{N} \sum_{t, s} 1[\text{score}_{t, s} > \tau]`, over
    thresholds :math:`\tau`.

    The **profile of steps** is :math:`\rho(r)`, the share of timed tasks on which the median steps to the target are
    at most :math:`r` times the least of any optimizer.

    The **probability of improvement** of :math:`X` over :math:`Y` is the mean over tasks of
    :math:`\frac{1}{n^2} \sum_{i, j} (1[x_i > y_j] + \frac{1}{2} 1[x_i = y_j])`, by test metric; a run that diverged is
    below all others, and ties with others that did.

    A **rank** is that of the test metric of a row, to six digits; those that diverged at a final seed are last.

    All **intervals** are of 2000 resamples of the seeds within each task, the same seeds for all optimizers: chance in
    the choice of tasks or of the rate is not in them.

    Attributes:
      tasks: names in alphabetical order.
      timed_tasks: those with a target that the median run of some optimizer reached.
      left_out: optimizers that did not take part in all tasks, by name; nothing here but `standing` depends on them.
      scores: normalized scores, ranks and targets.
      mean_rank: mean over tasks of `Scores.ranks`.
      profile_of_scores: performance profiles of the scores.
      profile_of_steps: performance profiles of the steps to the target; empty without `timed_tasks`.
      improvement: by (first, second), the probability that a run of the first beats one of the second.
      standing: by task, what its race shows about all that took part: tiers, differences from the best with
        intervals and p-values, and how copies of one algorithm differ. Not a part of what makes two summaries equal.
    """

    tasks: tuple[str, ...]
    timed_tasks: tuple[str, ...]
    left_out: tuple[str, ...]
    scores: Mapping[str, Scores]
    mean_rank: Mapping[str, float]
    profile_of_scores: Mapping[str, ScoreProfile]
    profile_of_steps: Mapping[str, StepsProfile]
    improvement: Mapping[tuple[str, str], Estimate]
    standing: Mapping[str, Standing] = dataclasses.field(repr=False, compare=False)

    @property
    def optimizers(self) -> tuple[str, ...]:
        """Names, the best `Scores.overall` first."""
        return tuple(self.scores)


def summarize(results: Sequence[Raced]) -> Summary:
    """Summarizes races on different tasks, of all optimizers that took part in each.

    Raises:
      RaceError: without results, for two results on the same task, or if no optimizer took part in all tasks.
    """
    results = sorted(results, key=lambda result: result.settings.task)
    names, left_out = _names(results)
    outcomes = [Outcome.of(result, names) for result in results]
    scores = dict(zip(names, _scores(outcomes), strict=True))
    mean_rank = {name: float(np.mean(each.ranks)) for name, each in scores.items()}
    order = sorted(names, key=lambda name: (-rounded(scores[name].overall.value), mean_rank[name], name))
    profiles = dict(zip(names, _profiles_of_scores(outcomes), strict=True))
    timed = [outcome for outcome in outcomes if outcome.timed]
    steps = dict(zip(names, _profiles_of_steps(timed), strict=True)) if timed else {}
    improvement = _improvement(names, outcomes)
    return Summary(
        tasks=tuple(each.task for each in outcomes),
        timed_tasks=tuple(each.task for each in timed),
        left_out=left_out,
        scores={name: scores[name] for name in order},
        mean_rank={name: mean_rank[name] for name in order},
        profile_of_scores={name: profiles[name] for name in order},
        profile_of_steps={name: steps[name] for name in order if timed},
        improvement={pair: improvement[pair] for pair in itertools.permutations(order, 2)},
        standing={result.settings.task: standing(result) for result in results},
    )


def _names(results: Sequence[Raced]) -> tuple[list[str], tuple[str, ...]]:
    """The optimizers that took part in all races, and those that did not."""
    if not results:
        raise RaceError("results is empty, but must hold at least one race.")
    tasks = collections.Counter(result.settings.task for result in results)
    if tasks.total() > len(tasks):
        task, count = tasks.most_common(1)[0]
        raise RaceError(f"results has {count} races on {task}, but a summary takes one race for each task.")
    present = [{row.optimizer for row in result.rows} for result in results]
    everywhere = set.intersection(*present)
    if not everywhere:
        raise RaceError(f"no optimizer took part in all {len(results)} races, so there is nothing to summarize.")
    return sorted(everywhere), tuple(sorted(set.union(*present) - everywhere))


def _scores(outcomes: Sequence[Outcome]) -> list[Scores]:
    runs = [outcome.scores for outcome in outcomes]
    pooled = np.concatenate(runs, axis=1)
    low, high = stratified_interval(pooled, [each.shape[1] for each in runs])
    return [
        Scores(
            overall=Estimate(float(interquartile_mean(pooled[i])), float(low[i]), float(high[i])),
            by_task=tuple(float(interquartile_mean(each[i])) for each in runs),
            runs=tuple(tuple(each[i].tolist()) for each in runs),
            ranks=tuple(float(outcome.ranks[i]) for outcome in outcomes),
            reached=tuple(None if each.steps is None else bool(np.isfinite(each.steps[i])) for each in outcomes),
        )
        for i in range(len(pooled))
    ]


def _profiles_of_scores(outcomes: Sequence[Outcome]) -> list[ScoreProfile]:
    runs = [outcome.scores for outcome in outcomes]
    counts = stratified_counts([each.shape[1] for each in runs])
    shares = [share_above(scores, counts, THRESHOLDS).tolist() for scores in np.concatenate(runs, axis=1)]
    return [ScoreProfile(tuple(THRESHOLDS.tolist()), *map(tuple, each)) for each in shares]


def _profiles_of_steps(timed: Sequence[Outcome]) -> list[StepsProfile]:
    ratios = np.stack([outcome.ratios for outcome in timed], axis=1)
    grid = np.unique(ratios[np.isfinite(ratios)])
    shares = (ratios[:, :, None] <= grid).mean(axis=1)
    return [
        StepsProfile(tuple(own.tolist()), tuple(grid.tolist()), tuple(share.tolist()))
        for own, share in zip(ratios, shares, strict=True)
    ]


def _improvement(names: Sequence[str], outcomes: Sequence[Outcome]) -> dict[tuple[str, str], Estimate]:
    """Of both orders of each pair."""
    found = {}
    for first, second, estimate in improvements([outcome.metric for outcome in outcomes]):
        value, low, high = estimate.tolist()
        found[names[first], names[second]] = Estimate(value, low, high)
        found[names[second], names[first]] = Estimate(1 - value, 1 - high, 1 - low)
    return found
