"""What the command line says of the leaves of a tree, as rules that rows and parts take."""

import dataclasses
from collections.abc import Collection
from typing import Any

from optax_zoo.decay_mask import decay_mask
from optax_zoo.primitives.layer_rates import check_layer_decay
from optax_zoo.primitives.matrices import outputs_under
from optax_zoo.primitives.numbered import numbered
from optax_zoo.primitives.stacked import stacked_under
from optax_zoo.route import matrices


@dataclasses.dataclass(frozen=True)
class Rules:
    """What the command line says of leaves, for a row that takes it, and for what stands behind any row.

    Attributes:
      but: keys under which leaves are not matrices.
      stacked: the key under which leaves stack layers.
      outputs: keys of leaves whose last two axes are outputs together.
      no_decay: keys under which leaves have no weight decay, beside biases and scales; None for a row as it is.
      layer_decay: the factor of the rate from a layer to the one before it; None for a row as it is.
      layers: names that layers are numbered behind.
      first: keys of what is before the layers.
      last: keys of what is behind them.
    """

    but: tuple[str, ...] = ()
    stacked: str | None = None
    outputs: tuple[str, ...] = ()
    no_decay: tuple[str, ...] | None = None
    layer_decay: float | None = None
    layers: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    last: tuple[str, ...] = ()

    @classmethod
    def read(cls, **options: Any) -> "Rules":
        """Those of options, in which commas are between keys."""
        whole = ("stacked", "layer_decay")
        given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
        keys = {name: _keys(value) for name, value in given.items() if name not in whole}
        rules = cls(**{**given, **keys})
        if rules.layer_decay is not None:
            check_layer_decay("layer-decay", rules.layer_decay)
        named = next((name for name in ("layers", "first", "last") if getattr(rules, name)), None)
        if named and rules.layer_decay is None:
            raise ValueError(f"{named} is about layers: give the factor of their rates by layer-decay, such as 0.75.")
        return rules

    def arguments(self, taken: Collection[str]) -> dict[str, Any]:
        """As arguments of a row that takes some."""
        elsewhere = self.no_decay is not None or self.layer_decay is not None
        given: dict[str, Any] = {"stacked": self._stacked} if self.stacked else {}
        given = {name: rule for name, rule in given.items() if name in taken or not elsewhere}
        given |= {"by": matrices(but=self.but, stacked=self._stacked)} if self.but else {}
        given |= {"outputs": outputs_under(self.outputs)} if self.outputs else {}
        if self.no_decay is None:
            return given
        return given | {"weight_decay_mask": decay_mask(self.no_decay, self._stacked)}

    def rates(self, tree: Any) -> list[Any] | None:
        """The factor of the rate of each leaf, of those that stack layers an array; None if all are alike."""
        if self.layer_decay is None:
            return None
        by = numbered(layers=self.layers, first=self.first, last=self.last, stacked=self._stacked)
        return [self.layer_decay**distance for distance in by.distances(tree)]

    @property
    def _stacked(self) -> Any:
        return None if self.stacked is None else stacked_under(self.stacked)


PLAIN = Rules()


def _keys(text: str | None) -> tuple[str, ...]:
    return tuple(filter(None, (key.strip() for key in (text or "").split(","))))
