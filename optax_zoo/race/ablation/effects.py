"""Combinations of levels, and the effects that follow from their outcomes."""

import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from optax_zoo.race.analysis.comparisons import LEVEL, holm
from optax_zoo.race.rows import Row
from optax_zoo.race.statistics.estimates import half_width

BASE = "base"

Changes = Mapping[str, str]  # from slot to level
Metrics = Mapping[frozenset[tuple[str, str]], np.ndarray]  # by final seed, by the levels of a combination


@dataclasses.dataclass(frozen=True)
class Combination:
    """One level for each slot, and its outcome.

    Attributes:
      name: its name in the race: the base's, and in brackets the levels that differ from it.
      levels: the label of the level by slot.
      composition: what it prints as.
      row: its outcome in the race.
    """

    name: str
    levels: Changes
    composition: str
    row: Row

    @property
    def diverged(self) -> bool:
        """Whether it diverged at every rate or at a final seed, and is left out of all effects."""
        return self.row.test_metric is None


@dataclasses.dataclass(frozen=True)
class Effect:
    """How much the test metric changes, seed by seed, when slots leave their base level; above 0 is better.

    Of one slot it is the main effect of a level: the difference from the base level, averaged over all combinations of
    levels of the other slots. Of two slots it is their interaction: by how much the effect of the one changes when the
    other leaves its base level as well.

    Attributes:
      changes: the level by slot.
      instead_of: the level by slot that they are compared with, "base" except in `Ablation.compare`.
      interaction: whether it is one.
      mean: the mean over the final seeds; None if nothing is left to compare.
      half_width: half the width of its 95 % t-interval over the final seeds, for this effect alone.
      p_value: of the t-test of the mean over the final seeds; of an ablation's effects and interactions corrected for
        all of them together (Holm), of a single comparison not.
      by_seed: by final seed.
      compared: over how many combinations of the other slots the average goes.
      combinations: how many there are; in the missing ones a part of the comparison diverged.
    """

    changes: Changes
    instead_of: Changes
    interaction: bool
    mean: float | None
    half_width: float | None
    p_value: float | None
    by_seed: tuple[float, ...]
    compared: int
    combinations: int

    @property
    def found(self) -> bool:
        """Whether an effect was found, at the level of 5 % over all that are tested together."""
        return self.p_value is not None and self.p_value < 1 - LEVEL

    @property
    def verdict(self) -> str:
        """The outcome in words."""
        if self.mean is None:
            return "nothing left to compare"
        if not self.found:
            return "no difference found"
        if not self.interaction:
            return "better" if self.mean > 0 else "worse"
        return "more than the sum of both" if self.mean > 0 else "less than the sum of both"

    def __str__(self) -> str:
        figures = "" if self.mean is None else f": {self.mean:+.4f} ± {self.half_width:.4f}"
        instead = {slot: level for slot, level in self.instead_of.items() if level != BASE}
        other = f" instead of {described(instead)}" if instead else ""
        return f"{described(self.changes)}{other}{figures}, {self.verdict}"


def effects_of(
    levels: Mapping[str, Iterable[str]], combinations: Iterable[Combination]
) -> tuple[tuple[Effect, ...], tuple[Effect, ...]]:
    """Main effects and two-way interactions of the combinations of a full factorial, their p-values corrected."""
    metrics = metrics_of(combinations)
    changes = [{slot: level} for slot, labels in levels.items() for level in labels if level != BASE]
    pairs = [{**a, **b} for a, b in itertools.combinations(changes, 2) if a.keys() != b.keys()]
    effects = _corrected([_effect(metrics, levels, each) for each in (*changes, *pairs)])
    return effects[: len(changes)], effects[len(changes) :]


def _corrected(effects: Sequence[Effect]) -> tuple[Effect, ...]:
    corrected = iter(holm([effect.p_value for effect in effects if effect.p_value is not None]))
    return tuple(
        effect if effect.p_value is None else dataclasses.replace(effect, p_value=next(corrected)) for effect in effects
    )


def metrics_of(combinations: Iterable[Combination]) -> Metrics:
    """The test metric by final seed of each combination that has not diverged, by its levels."""
    return {
        frozenset(each.levels.items()): np.asarray(each.row.final_test_metric, float)
        for each in combinations
        if not each.diverged
    }


def _effect(metrics: Metrics, levels: Mapping[str, Iterable[str]], changes: Changes) -> Effect:
    """The main effect of one change, or the interaction of two."""
    corners = [
        ((-1) ** kept.count(True), {s: BASE if keep else changes[s] for s, keep in zip(changes, kept, strict=True)})
        for kept in itertools.product((False, True), repeat=len(changes))
    ]
    return Effect(changes, dict.fromkeys(changes, BASE), len(changes) > 1, *contrast(metrics, levels, corners))


def contrast(
    metrics: Metrics, levels: Mapping[str, Iterable[str]], corners: Sequence[tuple[int, Changes]]
) -> tuple[float | None, float | None, float | None, tuple[float, ...], int, int]:
    """The fields of an effect from `mean` on: a sum over corners, averaged over the levels of all other slots."""
    others = {slot: labels for slot, labels in levels.items() if slot not in corners[0][1]}
    contexts = [dict(zip(others, labels, strict=True)) for labels in itertools.product(*others.values())]
    differences = []
    for context in contexts:
        at = [metrics.get(frozenset({**context, **corner}.items())) for _, corner in corners]
        whole = [metric for metric in at if metric is not None]
        if len(whole) == len(at):
            noise = 1e-12 * max(float(np.abs(metric).max()) for metric in whole)
            difference = sum(sign * metric for (sign, _), metric in zip(corners, whole, strict=True))
            differences.append(np.where(np.abs(difference) < noise, 0.0, difference))
    if not differences:
        return None, None, None, (), 0, len(contexts)
    by_seed = np.mean(differences, axis=0)
    mean, half = float(by_seed.mean()), float(half_width(by_seed))
    return mean, half, _p_value(by_seed), tuple(by_seed.tolist()), len(differences), len(contexts)


def _p_value(by_seed: np.ndarray) -> float:
    """The p-value of the two-sided t-test that the mean is 0; 0 or 1 if all values are the same."""
    from scipy import stats

    deviation = float(by_seed.std(ddof=1))
    if not deviation:
        return float(not by_seed.any())
    statistic = abs(by_seed.mean()) / deviation * len(by_seed) ** 0.5
    return float(2 * stats.t.sf(statistic, len(by_seed) - 1))


def described(changes: Changes) -> str:
    """Levels as in the name of a combination."""
    return ", ".join(f"{slot}={level}" for slot, level in changes.items())
