"""Tables of the report."""

import dataclasses
import math
from collections.abc import Sequence

from markupsafe import Markup

from optax_zoo.race.html import words


@dataclasses.dataclass(frozen=True)
class Cell:
    """A field of a table.

    Attributes:
      text: what is shown.
      value: what it is sorted by; None comes last in either direction.
      extra: a second line, in small print.
      tone: from -1 to 1, how strongly it is coloured, and which of two colours.
    """

    text: str | Markup
    value: float | str | None = None
    extra: str | Markup = ""
    tone: float | None = None


@dataclasses.dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
      heading: its name.
      unit: what the numbers are, in small print.
      numeric: whether it holds numbers, which are aligned right.
      sort: "ascending" or "descending" if the rows are given in this order.
    """

    heading: str
    unit: str = ""
    numeric: bool = True
    sort: str = ""


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of the report.

    Attributes:
      caption: what it says.
      columns: its columns.
      rows: its cells by row and column.
      heading: the column of the headings of the rows.
      sortable: whether the reader may sort it.
      matrix: whether rows and columns are the same.
      rowed: whether the rows are of optimizers, so that the page's filter is about them.
      plain: whether it holds text alone.
    """

    caption: str | Markup
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    heading: int = 0
    sortable: bool = False
    matrix: bool = False
    rowed: bool = False
    plain: bool = False


def figures(value: float | None, text: str | None = None, extra: str = "") -> Cell:
    """A number, which sorts by its value."""
    finite = value if value is not None and math.isfinite(value) else None
    return Cell(words.number(value) if text is None else text, finite, extra)


def data_table(caption: str, headings: Sequence[str], columns: Sequence[Sequence[str]]) -> Table:
    """The numbers of a figure, column by column, as text."""
    rows = tuple(tuple(Cell(text) for text in row) for row in zip(*columns, strict=True))
    rowed = headings[0] == "optimizer"
    heads = tuple(Column(heading, numeric=n > 0) for n, heading in enumerate(headings))
    return Table(caption, heads, rows, rowed=rowed, plain=True)
