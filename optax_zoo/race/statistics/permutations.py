"""Tests by flipping signs, where a part of the noise may be the choice of what is compared."""

import itertools
from collections.abc import Iterator

import numpy as np

WAYS = 9999
RARE = 0.99
ROUNDING = 1e-12  # of the largest value; a mean that is never above it is 0
BLOCK = 2**22  # numbers that are in memory at a time, of which there may be far more: thousands of pairs in each way


def permutation_p_values(differences: np.ndarray) -> list[float]:
    """`pair_p_values` of differences by hypothesis and seed, that nothing else moves."""
    values = np.concatenate([np.zeros((1, differences.shape[1])), differences])
    return pair_p_values(values, np.arange(1, len(values)), np.zeros(len(differences), int))


def pair_p_values(
    values: np.ndarray, first: np.ndarray, second: np.ndarray, drift: np.ndarray | None = None
) -> list[float]:
    r"""Corrected p-values of the hypotheses that what two things differ by over seeds is chance.

    Each hypothesis is tested by the mean :math:`|\sum_s d_s| / n` of differences over :math:`n` seeds. The p-values are
    those of the step-down maximum over hypotheses (Westfall and Young, "Resampling-Based Multiple Testing", 1993): the
    signs of all differences of a seed are flipped together, and a drift, by which means move although no seed does, is
    added. Without any drift the unit of a mean is :math:`\sqrt{\sum_s d_s^2 / n}`, and all :math:`2^n` ways are tried
    up to thirteen seeds, else 9999 random ones, always the same. With drift, which may be rare and far, the unit is
    what the mean exceeds in 1 % of the ways: one hypothesis of that kind does not stand for all others.

    To call those below 5 % found keeps the probability of any false finding below 5 %, where the differences are as
    likely as their negatives, all together. Holm's correction would multiply p-values, which are never below
    :math:`2^{1 - n}`, by the number of pairs: with ten seeds nothing could be found among 26 pairs.

    Args:
      values: by thing and seed.
      first: one thing of each hypothesis, an index into the values.
      second: the other.
      drift: `WAYS` draws by thing of what else moves its mean, around 0; by default nothing does.
    """
    count = values.shape[1]
    moved = drift is not None and bool(drift.any())
    means = _ways(count, draw=moved) @ values.T / count
    if moved:
        means[1:] += drift
    scale = _scale(values, means, first, second, moved)
    observed = _in_units(means[0, first] - means[0, second], scale)
    order = np.argsort(-observed, kind="stable")
    first, second, scale, observed = first[order], second[order], scale[order], observed[order]
    reached = np.zeros(len(order))
    for ways in blocks(len(means), len(order)):
        flipped = _in_units(means[ways][:, first] - means[ways][:, second], scale)
        largest_from = np.maximum.accumulate(flipped[:, ::-1], axis=1)[:, ::-1]
        reached += np.count_nonzero(largest_from >= observed - 1e-9, axis=0)
    p_values = np.empty(len(order))
    p_values[order] = np.maximum.accumulate(reached / len(means))
    return p_values.tolist()


def _scale(values: np.ndarray, means: np.ndarray, first: np.ndarray, second: np.ndarray, moved: bool) -> np.ndarray:
    """The unit of each mean."""
    if not moved:
        return np.sqrt(np.mean(np.square(values[first] - values[second]), axis=1))
    exceeded = [
        np.quantile(np.abs(means[1:, first[some]] - means[1:, second[some]]), RARE, axis=0)
        for some in blocks(len(first), len(means))
    ]
    found = np.concatenate(exceeded)
    return np.where(found > ROUNDING * np.abs(values).max(), found, 0.0)


def _in_units(means: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return np.abs(np.divide(means, scale, out=np.zeros_like(means), where=scale > 0))


def blocks(rows: int, width: int) -> Iterator[slice]:
    """Rows of some width, as many at a time as should be in memory."""
    step = max(1, BLOCK // max(1, width))
    return (slice(start, start + step) for start in range(0, rows, step))


def _ways(count: int, draw: bool) -> np.ndarray:
    """Ways to flip signs, by way and seed; the first flips none."""
    if not draw and 2**count <= WAYS:
        return np.array(list(itertools.product((1.0, -1.0), repeat=count)))
    random = np.random.default_rng(0).choice((1.0, -1.0), size=(WAYS, count))
    return np.concatenate([np.ones((1, count)), random])
