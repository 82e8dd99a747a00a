"""Comparisons of optimizers over the same seeds: what a race allows one to say, and what not.

A score is a figure of one trial, the larger the better. The same index of a seed stands for the same initial parameters
and batches for every optimizer.
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from optax_zoo.race.rows import Result

LEVEL = 0.95
RESAMPLES = 9999
LEAST_SEEDS = 6  # with fewer, no permutation test can have a p-value below 5 %: the least is 2^(1 - seeds)


@dataclasses.dataclass(frozen=True)
class Difference:
    """How two optimizers differ over the same seeds.

    Attributes:
      first: the name of one.
      second: the name of the other.
      difference: the mean of first minus second.
      improvement: the probability that a seed of the first scores above one of the second, ties counted half.
      p_value: of the paired permutation test on the mean, corrected for all pairs that are compared.
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


def differences(result: Result) -> list[Difference]:
    """All pairs of optimizers that diverged at no final seed, compared by test metric, the better placed one first."""
    return pairwise(
        {
            row.optimizer: np.array(row.final_test_metric, float)
            for row in result.rows
            if row.final_test_metric and None not in row.final_test_metric
        }
    )


def pairwise(scores: Mapping[str, np.ndarray], pairs: Sequence[tuple[str, str]] | None = None) -> list[Difference]:
    """Compares optimizers over the same seeds by paired permutation tests, corrected for all comparisons made.

    Pairs that are chosen by how they scored, such as those with the best, are to be taken from the comparison of all
    pairs, as otherwise the correction is for too few.

    Args:
      scores: by name, finite, arrays of one shape, by seed.
      pairs: the names to compare; by default all pairs.
    """
    pairs = list(itertools.combinations(scores, 2)) if pairs is None else list(pairs)
    if not pairs:
        return []
    by_seed = np.array([np.subtract(scores[a], scores[b]) for a, b in pairs], float)
    return [
        Difference(a, b, float(difference.mean()), probability_of_improvement(scores[a], scores[b]), p_value)
        for (a, b), difference, p_value in zip(pairs, by_seed, permutation_p_values(by_seed), strict=True)
    ]


def permutation_p_values(differences: np.ndarray) -> list[float]:
    r"""Corrected p-values of the hypotheses that the signs of differences are chance.

    Each hypothesis is tested by :math:`|\sum_s d_s| / \sqrt{n \sum_s d_s^2}` over :math:`n` seeds, which orders
    permutations as the mean does. The p-values are those of the step-down maximum over hypotheses (Westfall and Young,
    "Resampling-Based Multiple Testing", 1993): the signs of all differences of a seed are flipped together, in all
    :math:`2^n` ways up to thirteen seeds, in 9999 random ways, always the same, beyond. To call those below 5 % found
    keeps the probability of any false finding below 5 %, where the differences are as likely as their negatives, all
    together. Holm's correction would multiply p-values, which are never below :math:`2^{1 - n}`, by the number of
    pairs: with ten seeds nothing could be found among 26 pairs.

    Args:
      differences: by hypothesis and seed.
    """
    scale = np.sqrt(np.mean(np.square(differences), axis=1, keepdims=True))
    scaled = np.divide(differences, scale, out=np.zeros_like(differences), where=scale > 0)
    flipped = np.abs(_signs(scaled.shape[1]) @ scaled.T) / scaled.shape[1]
    order = np.argsort(-flipped[0], kind="stable")
    largest_from = np.maximum.accumulate(flipped[:, order[::-1]], axis=1)[:, ::-1]
    share = np.mean(largest_from >= flipped[0, order] - 1e-9, axis=0)
    p_values = np.empty(len(order))
    p_values[order] = np.maximum.accumulate(share)
    return p_values.tolist()


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction: p-values of which one below 5 % keeps the error over all tests below 5 %."""
    order = np.argsort(p_values, kind="stable")
    factors = len(p_values) - np.arange(len(p_values))
    corrected = np.minimum(np.maximum.accumulate(np.asarray(p_values, float)[order] * factors), 1)
    result = np.empty(len(p_values))
    result[order] = corrected
    return result.tolist()


def _signs(count: int) -> np.ndarray:
    """Ways to flip signs, by way and seed; the first flips none."""
    if 2**count <= RESAMPLES:
        return np.array(list(itertools.product((1.0, -1.0), repeat=count)))
    random = np.random.default_rng(0).choice((1.0, -1.0), size=(RESAMPLES, count))
    return np.concatenate([np.ones((1, count)), random])
