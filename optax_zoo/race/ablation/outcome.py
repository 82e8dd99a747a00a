"""The outcome of an ablation."""

import dataclasses
import io

from optax_zoo.race.ablation.findings import Findings
from optax_zoo.race.ablation.table import tables
from optax_zoo.running.errors import require


@dataclasses.dataclass(frozen=True, repr=False)
class Ablation(Findings):
    """The outcome of an ablation; it prints as tables.

    Attributes:
      base: the name of the algorithm that is taken apart.
      levels: by slot, what each level prints as, by label; the first is the base's own part, "base".
      combinations: all combinations of levels, the best first.
      effects: the main effect of each level except the base's.
      interactions: of each pair of levels in two slots.
      result: the race behind it.
    """

    def __repr__(self) -> str:
        require("rich")
        from rich.console import Console

        console = Console(file=io.StringIO(), width=110)
        console.print(*tables(self), sep="\n")
        return console.file.getvalue().replace("\N{NO-BREAK SPACE}", " ").strip()  # type: ignore[attr-defined]
