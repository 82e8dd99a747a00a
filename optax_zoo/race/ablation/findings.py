"""What an ablation has found."""

import dataclasses
from collections.abc import Mapping

from optax_zoo.race.ablation.effects import BASE, Changes, Combination, Effect, contrast, described, metrics_of
from optax_zoo.race.results import Result


@dataclasses.dataclass(frozen=True)
class Findings:
    """What an ablation has found, of which `Ablation` is the one that prints as tables.

    Attributes:
      base: the name of the algorithm that is taken apart.
      levels: by slot, what each level prints as, by label; the first is the base's own part, "base".
      combinations: all combinations of levels, the best first.
      effects: the main effect of each level except the base's.
      interactions: of each pair of levels in two slots.
      result: the race behind it.
    """

    base: str
    levels: Mapping[str, Changes]
    combinations: tuple[Combination, ...]
    effects: tuple[Effect, ...]
    interactions: tuple[Effect, ...]
    result: Result

    def effect(self, **changes: str) -> Effect:
        """A main effect, `effect(momentum="none")`, or an interaction, `effect(momentum="none", denominator="ema")`.

        Raises:
          KeyError: if there is no such slot or level, or for more than two.
        """
        for effect in (*self.effects, *self.interactions):
            if effect.changes == changes:
                return effect
        raise KeyError(described(changes))

    def compare(self, levels: Changes, instead_of: Changes) -> Effect:
        """What some levels do instead of others of the same slots, averaged over the levels of all other slots.

        `compare({"denominator": "ema"}, {"denominator": "mean"})` is the difference between two levels, neither of
        which need be the base's; slots with the same level in both are held there.

        Raises:
          KeyError: if there is no such slot or level, or for two different sets of slots.
        """
        for each in (levels, instead_of):
            if each.keys() != levels.keys() or any(label not in self.levels[slot] for slot, label in each.items()):
                raise KeyError(described(each))
        corners = [(1, levels), (-1, instead_of)]
        return Effect(levels, instead_of, False, *contrast(metrics_of(self.combinations), self.levels, corners))

    def combination(self, **changes: str) -> Combination:
        """The combination with these levels, and the base's in all other slots.

        Raises:
          KeyError: if there is no such slot or level.
        """
        levels = {**dict.fromkeys(self.levels, BASE), **changes}
        for combination in self.combinations:
            if combination.levels == levels:
                return combination
        raise KeyError(described(changes))
