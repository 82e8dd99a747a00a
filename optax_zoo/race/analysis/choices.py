"""The choice of a rate as a matter of chance: it is made anew with other tuning seeds."""

import dataclasses

import numpy as np

from optax_zoo.race.rows import Row
from optax_zoo.race.statistics.permutations import WAYS

INTERVAL_DRAWS = 2000


@dataclasses.dataclass(frozen=True)
class Choice:
    """What an optimizer could have been raced at; contenders on the first axis, the chosen one first.

    Attributes:
      metric: validation metric by contender and tuning seed.
      loss: validation loss by contender and tuning seed.
      final: test metric by contender and final seed, finite: a contender that diverged there, unless it is the chosen
        one, has the lowest value of any instead.
    """

    metric: np.ndarray
    loss: np.ndarray
    final: np.ndarray

    @classmethod
    def of(cls, row: Row) -> "Choice":
        """The contenders of a row that diverged at no final seed; of one that was raced before these were kept, one."""
        if not row.contender_rates:
            return cls.certain(np.array(row.final_test_metric, float))
        final = np.array(row.contender_test_metric, float)
        lowest = np.nanmin(final)
        return cls(
            np.array(row.contender_validation_metric, float),
            np.array(row.contender_validation_loss, float),
            np.where(np.isfinite(final), final, lowest),
        )

    @classmethod
    def certain(cls, final: np.ndarray) -> "Choice":
        """No choice at all: scores by final seed."""
        return cls(np.zeros((1, 1)), np.zeros((1, 1)), np.asarray(final, float)[None])

    def again(self, uniform: np.ndarray) -> np.ndarray:
        """The contender that is chosen with tuning seeds drawn anew, by draw.

        Args:
          uniform: numbers in [0, 1) by draw and tuning seed, as many as the longest race has or more: the same for all
            optimizers, as their tuning seeds are.
        """
        seeds = self.metric.shape[1]
        drawn = (uniform[:, :seeds] * seeds).astype(int)
        counts = (drawn[:, :, None] == np.arange(seeds)).sum(axis=1) / seeds
        metric, loss = counts @ self.metric.T, counts @ self.loss.T
        best = metric.max(axis=1, keepdims=True)
        tied = metric >= best - 1e-6 * np.abs(best)
        return np.where(tied, loss, np.inf).argmin(axis=1)


def drifts(choices: list[Choice]) -> np.ndarray:
    """How far means over the final seeds move around their middle when the choice is made anew, by draw and choice."""
    uniform = _uniform(choices, WAYS)
    moved = np.stack([each.final.mean(axis=1)[each.again(uniform)] for each in choices], axis=1)
    return np.where(moved.min(axis=0) < moved.max(axis=0), moved - moved.mean(axis=0), 0.0)


def means_again(choices: list[Choice]) -> np.ndarray:
    """The mean over the final seeds, with the choice made anew and the final seeds drawn anew, by draw and choice."""
    seeds = choices[0].final.shape[1]
    counts = np.random.default_rng(1).multinomial(seeds, np.full(seeds, 1 / seeds), size=INTERVAL_DRAWS) / seeds
    uniform = _uniform(choices, INTERVAL_DRAWS)
    return np.stack([(each.final[each.again(uniform)] * counts).sum(axis=1) for each in choices], axis=1)


def _uniform(choices: list[Choice], draws: int) -> np.ndarray:
    most = max(each.metric.shape[1] for each in choices)
    return np.random.default_rng(0).random((draws, most))
