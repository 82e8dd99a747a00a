"""The outcome of a race."""

import dataclasses

from optax_zoo.race.rows import Raced
from optax_zoo.race.terminal.report import render


@dataclasses.dataclass(frozen=True, repr=False)
class Result(Raced):
    """The outcome of a race; it prints as a table.

    Attributes:
      settings: what was raced.
      rows: one for each optimizer, the best first.
      record: versions, machine and command line, as in race.json.
    """

    def __repr__(self) -> str:
        return render(self)
