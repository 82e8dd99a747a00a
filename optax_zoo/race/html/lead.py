"""What stands on top of the report of a race that was run for more than a ranking."""

import dataclasses
from collections.abc import Sequence

from markupsafe import Markup

from optax_zoo.race.html.figures import Figure
from optax_zoo.race.html.tables import Table


@dataclasses.dataclass(frozen=True)
class Lead:
    """The first section of a report, before the race.

    Attributes:
      kind: what the report is of, over its title.
      title: of the report.
      id: of the section.
      heading: of the section.
      paragraphs: the outcome in a few sentences.
      parts: headings, each with a figure, if there is one, and a table.
      race: the heading of the race that follows.
    """

    kind: str
    title: str
    id: str
    heading: str
    paragraphs: Sequence[Markup]
    parts: Sequence[tuple[str, Figure | None, Table]]
    race: str
