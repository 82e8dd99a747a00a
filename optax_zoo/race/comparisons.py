"""Comparisons of optimizers over the same seeds: what a race allows one to say, and what not.

A score is a figure of one trial, the larger the better. The same index of a seed stands for the same initial parameters
and batches for every optimizer.
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

LEVEL = 0.95


@dataclasses.dataclass(frozen=True)
class Difference:
    """How two optimizers differ over the same seeds.

    Attributes:
      first: the name of one.
      second: the name of the other.
      difference: the mean of first minus second.
      improvement: the probability that a seed of the first scores above one of the second, ties counted half.
      p_value: of the paired permutation test on the mean, corrected for all pairs that are compared (Holm).
    """

    first: str
    second: str
    difference: float
    improvement: float
    p_value: float

    @property
    def found(self) -> bool:
        """Whether a difference was found at the level of 5 % over all pairs together."""
        return self.p_value < 1 - LEVEL

    def __str__(self) -> str:
        if not self.found:
            return f"{self.first}, {self.second}: no difference found (p = {self.p_value:.2g})"
        better, worse = (self.first, self.second) if self.difference > 0 else (self.second, self.first)
        return f"{better} is better than {worse} by {abs(self.difference):.3g} (p = {self.p_value:.2g})"


def probability_of_improvement(first: np.ndarray, second: np.ndarray) -> float:
    """How likely a score of the first is above one of the second, ties counted half."""
    return float(np.mean((np.sign(np.subtract.outer(first, second)) + 1) / 2))


def pairwise(scores: Mapping[str, np.ndarray], pairs: Sequence[tuple[str, str]] | None = None) -> list[Difference]:
    """Compares optimizers over the same seeds by paired permutation tests, corrected for all comparisons made.

    Args:
      scores: by name, arrays of one shape, by seed.
      pairs: the names to compare; by default all pairs.
    """
    pairs = list(itertools.combinations(scores, 2)) if pairs is None else list(pairs)
    values = holm([_permutation_p_value(np.subtract(scores[a], scores[b])) for a, b in pairs])
    return [
        Difference(
            a,
            b,
            float(np.mean(np.subtract(scores[a], scores[b]))),
            probability_of_improvement(scores[a], scores[b]),
            value,
        )
        for (a, b), value in zip(pairs, values, strict=True)
    ]


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction: p-values of which one below 5 % keeps the error over all tests below 5 %."""
    order = np.argsort(p_values, kind="stable")
    factors = len(p_values) - np.arange(len(p_values))
    corrected = np.minimum(np.maximum.accumulate(np.asarray(p_values, float)[order] * factors), 1)
    result = np.empty(len(p_values))
    result[order] = corrected
    return result.tolist()


def _permutation_p_value(differences: np.ndarray) -> float:
    """Of the hypothesis that the sign of each difference is chance; exact up to thirteen differences that are not 0."""
    from scipy import stats

    differences = differences[differences != 0]
    if not differences.size:
        return 1.0
    test: Any = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=9999, vectorized=True, rng=0
    )
    return float(test.pvalue)
