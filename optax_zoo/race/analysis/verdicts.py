"""What a race shows about each optimizer: tiers of those that cannot be told apart."""

import dataclasses

from optax_zoo.race.analysis.comparisons import Difference, copies, differences
from optax_zoo.race.rows import Raced, rank


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What can be said about one optimizer.

    Attributes:
      optimizer: its name.
      tier: from 1; none in a tier was found worse than the tier's best. None for one that diverged or could not run.
      against_best: how the best of the race differs from it: the mean of the best minus its own over the same seeds,
        the 95 % interval and the corrected p-value; None for the best itself and for one that diverged.
      failed: whether it could not be trained at all.
    """

    optimizer: str
    tier: int | None
    against_best: Difference | None
    failed: bool = False

    @property
    def words(self) -> str:
        """The verdict: "best", "worse", "not told apart" and so on."""
        if self.tier is None:
            return "could not run" if self.failed else "diverged"
        if self.against_best is None:
            return "best"
        if self.against_best.same:
            return "same algorithm"
        if not self.against_best.found:
            return "not told apart"
        return "worse" if self.against_best.difference > 0 else "better in the mean"


@dataclasses.dataclass(frozen=True)
class Standing:
    """What a race shows about all its optimizers.

    Attributes:
      verdicts: one for each optimizer, tier by tier and the best of each first; those that diverged come last.
      pairs: all pairs that were compared.
      copies: names of one algorithm, two or more at a time.
      noise: how the copies of one algorithm differ: what is chance in this race.
    """

    verdicts: tuple[Verdict, ...]
    pairs: tuple[Difference, ...]
    copies: tuple[tuple[str, ...], ...]
    noise: tuple[Difference, ...]

    @property
    def tiers(self) -> list[list[str]]:
        """The names in each tier, the best of each first."""
        found: list[list[str]] = []
        for verdict in self.verdicts:
            if verdict.tier is not None:
                found.extend([] for _ in range(verdict.tier - len(found)))
                found[verdict.tier - 1].append(verdict.optimizer)
        return found

    @property
    def told_apart(self) -> tuple[int, int]:
        """How many pairs of different algorithms were told apart, and of how many."""
        different = [pair for pair in self.pairs if not pair.same]
        return sum(pair.found for pair in different), len(different)

    def __getitem__(self, optimizer: str) -> Verdict:
        """The verdict on an optimizer.

        Raises:
          KeyError: if it did not take part.
        """
        return {verdict.optimizer: verdict for verdict in self.verdicts}[optimizer]


def standing(result: Raced) -> Standing:
    """What a race shows: comparisons of all pairs, and the tiers that follow from them."""
    result = dataclasses.replace(result, rows=tuple(sorted(result.rows, key=rank)))
    pairs = differences(result)
    by_name = {(pair.first, pair.second): pair for pair in pairs}
    left = [row.optimizer for row in result.rows if row.test_metric is not None]
    best = left[0] if left else ""
    verdicts, tier = [], 0
    while left:
        tier += 1
        worse = [name for name in left[1:] if _is_worse(by_name[left[0], name])]
        verdicts += [
            Verdict(name, tier, None if name == best else by_name[best, name]) for name in left if name not in worse
        ]
        left = worse
    lost = [Verdict(row.optimizer, None, None, row.failure != "") for row in result.rows if row.test_metric is None]
    noise = tuple(pair for pair in pairs if pair.same)
    return Standing((*verdicts, *lost), tuple(pairs), tuple(copies(result.rows)), noise)


def _is_worse(pair: Difference) -> bool:
    return pair.found and pair.difference > 0
