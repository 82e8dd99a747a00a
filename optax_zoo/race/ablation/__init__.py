"""What each part of an optimizer contributes: all combinations of parts in its slots, raced by the same rules."""

from optax_zoo.race.ablation.effects import Combination, Effect
from optax_zoo.race.ablation.outcome import Ablation
from optax_zoo.race.ablation.study import ablate

__all__ = ["Ablation", "Combination", "Effect", "ablate"]
