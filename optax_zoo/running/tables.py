"""What all printed tables have in common."""

from collections.abc import Iterable
from typing import Any

from optax_zoo.running.errors import require


def fits(table: Any, width: int) -> bool:
    """Whether a table needs no more than this many characters in a line."""
    from rich.console import Console

    return Console(width=1000).measure(table).maximum <= width


def empty_table(title: str, caption: str, left: Iterable[str], right: Iterable[str] = ()) -> Any:
    """A `rich.table.Table` with columns that are aligned left, and may fold, and others aligned right, which do not."""
    require("rich")
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=Text(f"\n{title}\n"),
        caption=Text(f"\n{caption}") if caption else None,
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        title_justify="left",
        caption_justify="left",
    )
    for heading in left:
        table.add_column(Text(heading), overflow="fold")
    for heading in right:
        table.add_column(Text(heading), justify="right", no_wrap=True)
    return table
