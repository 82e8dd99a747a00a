"""Comparisons of optimizers over the same seeds: what a race shows, and what it does not.

A score is a figure of one trial, the larger the better. The same index of a seed means the same initial parameters
and batches for every optimizer.
"""

import collections
import dataclasses
import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from optax_zoo.race.analysis.choices import Choice, drifts, means_again
from optax_zoo.race.rows import Raced, Row
from optax_zoo.race.statistics.estimates import expanded_interval
from optax_zoo.race.statistics.permutations import blocks, pair_p_values

LEVEL = 0.95
SAME = 1e-3  # relative, of fingerprints in float32
# With fewer final seeds no permutation test can have a p-value below 5 %: the least is 2^(1 - seeds). Where choices of
# rates were unsure, a mean is measured by what it exceeds in 1 % of the ways, which must be less than what was seen.
LEAST_SEEDS, LEAST_SEEDS_OF_CHOICES = 6, 8


@dataclasses.dataclass(frozen=True)
class Difference:
    """How two optimizers differ over the same seeds.

    Attributes:
      first: the name of one.
      second: the name of the other.
      difference: the mean of first minus second.
      improvement: the probability that a seed of the first scores above one of the second, ties counted half.
      p_value: of the paired permutation test on the mean, corrected for all pairs that are compared.
      interval: of this difference alone, 95 %: choice of the rates and final seeds are drawn anew.
      same: whether they are one algorithm, so that any difference is chance.
      within_noise: whether copies of one of the two differ from each other by as much as copies of both do.
    """

    first: str
    second: str
    difference: float
    improvement: float
    p_value: float
    interval: tuple[float, float]
    same: bool = False
    within_noise: bool = False

    @property
    def found(self) -> bool:
        """Whether two algorithms differ, at the level of 5 % over all pairs together, and by more than copies do."""
        return self.p_value < 1 - LEVEL and not self.same and not self.within_noise

    def __str__(self) -> str:
        if not self.found:
            return f"{self.first}, {self.second}: no difference found (p = {self.p_value:.2g})"
        better, worse = (self.first, self.second) if self.difference > 0 else (self.second, self.first)
        return f"{better} is better than {worse} by {abs(self.difference):.3g} (p = {self.p_value:.2g})"


def probability_of_improvement(first: np.ndarray, second: np.ndarray) -> float:
    """How likely a score of the first is above one of the second, ties counted half."""
    return float(np.mean((np.sign(np.subtract.outer(first, second)) + 1) / 2))


def differences(result: Raced) -> list[Difference]:
    """All pairs of optimizers that diverged at no final seed, compared by test metric, the better placed one first.

    Chance in the choice of the rates is in p-values and intervals, where the rows hold the contenders. Copies of an
    algorithm stand or fall together: a difference between two algorithms has the largest p-value of any of their
    copies, 1 if two copies disagree about which is better.
    """
    rows = [row for row in result.rows if row.final_test_metric and None not in row.final_test_metric]
    pairs = pairwise({row.optimizer: Choice.of(row) for row in rows})
    return _with_copies(pairs, copies(rows))


def least_seeds(result: Raced) -> int:
    """The least number of final seeds with which a difference could be found."""
    return LEAST_SEEDS_OF_CHOICES if any(len(row.contender_rates) > 1 for row in result.rows) else LEAST_SEEDS


def pairwise(
    scores: Mapping[str, Choice | np.ndarray], pairs: Sequence[tuple[str, str]] | None = None
) -> list[Difference]:
    """Compares optimizers over the same seeds by paired permutation tests, corrected for all comparisons made.

    Pairs that are chosen by how they scored, such as those with the best, are to be taken from the comparison of all
    pairs, as otherwise the correction is for too few.

    Args:
      scores: by name, scores by final seed, finite, as many for each; or what a choice was made from, whose chance is
        then a part of the comparison.
      pairs: the names to compare; by default all pairs.
    """
    pairs = list(itertools.combinations(scores, 2)) if pairs is None else list(pairs)
    if not pairs:
        return []
    choices = [each if isinstance(each, Choice) else Choice.certain(each) for each in scores.values()]
    final = np.array([each.final[0] for each in choices])
    place = {name: number for number, name in enumerate(scores)}
    first, second = np.array([(place[a], place[b]) for a, b in pairs]).T
    moves, again = drifts(choices), means_again(choices)
    p_values = pair_p_values(final, first, second, moves)
    ends = [
        np.transpose(expanded_interval(again[:, first[some]] - again[:, second[some]], final.shape[1]))
        for some in blocks(len(pairs), len(again))
    ]
    return [
        Difference(
            *names,
            float((final[a] - final[b]).mean()),
            probability_of_improvement(final[a], final[b]),
            p_value,
            (float(low), float(high)),
        )
        for names, a, b, p_value, (low, high) in zip(pairs, first, second, p_values, np.concatenate(ends), strict=True)
    ]


def copies(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """The names of rows that are one algorithm, two or more at a time.

    They answer the same gradients with the same steps, see `Row.fingerprint`; rows without one are taken for
    algorithms of their own.
    """
    groups: list[list[Row]] = []
    for row in rows:
        for group in groups:
            if _alike(row, group[0]):
                group.append(row)
                break
        else:
            groups.append([row])
    return [tuple(row.optimizer for row in group) for group in groups if len(group) > 1]


def _alike(row: Row, other: Row) -> bool:
    ours, theirs = np.array(row.fingerprint, float), np.array(other.fingerprint, float)
    if ours.size == 0 or ours.shape != theirs.shape or not np.allclose(ours, theirs, rtol=SAME, atol=0):
        return False
    return [*map(sorted, row.search_values[:1])] == [*map(sorted, other.search_values[:1])]


def _with_copies(pairs: list[Difference], groups: Sequence[tuple[str, ...]]) -> list[Difference]:
    """The differences, with what copies of the same algorithm show taken into account."""
    if not groups:
        return pairs
    group_of = {name: group for group in groups for name in group}

    def algorithm(name: str) -> tuple[str, ...]:
        return group_of.get(name, (name,))

    between = collections.defaultdict(list)
    for pair in pairs:
        between[frozenset((algorithm(pair.first), algorithm(pair.second)))].append(pair)
    noise = {
        group: max((abs(pair.difference) for pair in between[frozenset((group,))]), default=0.0) for group in groups
    }

    def taken_together(pair: Difference) -> Difference:
        ours, theirs = algorithm(pair.first), algorithm(pair.second)
        if ours == theirs:
            return dataclasses.replace(pair, same=True)
        alike = between[frozenset((ours, theirs))]
        ahead = {np.sign(x.difference if algorithm(x.first) == ours else -x.difference) for x in alike}
        least, floor = min(abs(x.difference) for x in alike), max(noise.get(ours, 0.0), noise.get(theirs, 0.0))
        p_value = max(x.p_value for x in alike) if len(ahead) == 1 else 1.0
        return dataclasses.replace(pair, p_value=p_value, within_noise=least <= floor)

    return [taken_together(pair) for pair in pairs]


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction: p-values of which one below 5 % keeps the error over all tests below 5 %."""
    order = np.argsort(p_values, kind="stable")
    factors = len(p_values) - np.arange(len(p_values))
    corrected = np.minimum(np.maximum.accumulate(np.asarray(p_values, float)[order] * factors), 1)
    result = np.empty(len(p_values))
    result[order] = corrected
    return result.tolist()
