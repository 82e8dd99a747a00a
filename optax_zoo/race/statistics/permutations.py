"""Tests by flipping signs, where a part of the noise may be the choice of what is compared."""

import itertools

import numpy as np

WAYS = 9999
RARE = 0.99


def permutation_p_values(differences: np.ndarray, drift: np.ndarray | None = None) -> list[float]:
    r"""Corrected p-values of the hypotheses that differences over seeds are chance.

    Each hypothesis is tested by the mean :math:`|\sum_s d_s| / n` over :math:`n` seeds. The p-values are those of the
    step-down maximum over hypotheses (Westfall and Young, "Resampling-Based Multiple Testing", 1993): the signs of all
    differences of a seed are flipped together, and a drift, by which means move although no seed does, is added.
    Without
    any drift the unit of a mean is :math:`\sqrt{\sum_s d_s^2 / n}`, and all :math:`2^n` ways are tried up to thirteen
    seeds, else 9999 random ones, always the same. With drift, which may be rare and far, the unit is what the mean
    exceeds in 1 % of the ways: one hypothesis of that kind does not stand for all others.

    To call those below 5 % found keeps the probability of any false finding below 5 %, where the differences are as
    likely as their negatives, all together. Holm's correction would multiply p-values, which are never below
    :math:`2^{1 - n}`, by the number of pairs: with ten seeds nothing could be found among 26 pairs.

    Args:
      differences: by hypothesis and seed.
      drift: `WAYS` draws by hypothesis of what else moves its mean, around 0; by default nothing does.
    """
    count = differences.shape[1]
    moved = drift is not None and bool(drift.any())
    means = _ways(count, draw=moved) @ differences.T / count
    scale = np.sqrt(np.mean(np.square(differences), axis=1))
    if moved:
        means[1:] += drift
        scale = np.quantile(np.abs(means[1:]), RARE, axis=0)
    flipped = np.abs(np.divide(means, scale, out=np.zeros_like(means), where=scale > 0))
    order = np.argsort(-flipped[0], kind="stable")
    largest_from = np.maximum.accumulate(flipped[:, order[::-1]], axis=1)[:, ::-1]
    share = np.mean(largest_from >= flipped[0, order] - 1e-9, axis=0)
    p_values = np.empty(len(order))
    p_values[order] = np.maximum.accumulate(share)
    return p_values.tolist()


def _ways(count: int, draw: bool) -> np.ndarray:
    """Ways to flip signs, by way and seed; the first flips none."""
    if not draw and 2**count <= WAYS:
        return np.array(list(itertools.product((1.0, -1.0), repeat=count)))
    random = np.random.default_rng(0).choice((1.0, -1.0), size=(WAYS, count))
    return np.concatenate([np.ones((1, count)), random])
