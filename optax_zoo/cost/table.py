"""Rows as tables, for a terminal and for Markdown, and as JSON."""

import dataclasses
import json
from collections.abc import Iterable, Sequence
from typing import Any

from optax_zoo.cost.collectives import Collective
from optax_zoo.cost.scaling import Row

LEGEND = (
    "devices: data x model. B/param: bytes of state per parameter. state: GiB (2^30 bytes) of it on each device, for "
    "that many devices. total: parameters, gradients and state. collectives: arrays that a step communicates, and "
    "their size together. Not included: temporaries, activations, the reduction of gradients."
)


def by_model(rows: Iterable[Row]) -> dict[str, list[list[Row]]]:
    """The rows of each model: a list for each optimizer, with a row for each number of devices."""
    models: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        models.setdefault(row.model, {}).setdefault(row.optimizer, []).append(row)
    return {model: list(optimizers.values()) for model, optimizers in models.items()}


def title(rows: Sequence[Row]) -> str:
    """What the rows of a model have in common."""
    meshes = ", ".join(f"{row.devices:,} = {row.mesh[0]} x {row.mesh[1]}" for row in rows)
    return f"{rows[0].model}: {rows[0].parameters:,} parameters of {rows[0].param_dtype}; devices {meshes}"


def headings(rows: Sequence[Row]) -> list[str]:
    """The headings over the cells of an optimizer's rows."""
    per_mesh = [f"{what} {row.devices:,}" for row in rows for what in ("state", "total")]
    return ["optimizer", "B/param", *per_mesh, "collectives"]


def cells(rows: Sequence[Row]) -> list[str]:
    """An optimizer's rows on one line of a table."""
    first = rows[0]
    memory = [gibibytes(size) for row in rows for size in (row.state_bytes, row.total_bytes)]
    communicated = " / ".join(dict.fromkeys(_listed(row.collectives) for row in rows))
    return [first.optimizer, f"{first.state_bytes_per_parameter:.2f}".rstrip("0").rstrip("."), *memory, communicated]


def gibibytes(size: float) -> str:
    """Bytes in GiB, with three digits or more, 0 where there is nothing."""
    number = size / 2**30
    if not size:
        return "0"
    return f"{number:,.0f}" if number >= 100 else f"{number:.1f}" if number >= 10 else f"{number:.2f}"


def as_json(rows: Iterable[Row]) -> str:
    """All rows with exact numbers."""
    import jax

    return json.dumps({"jax": jax.__version__, "rows": [dataclasses.asdict(row) for row in rows]}, indent=2)


def for_terminal(rows: Iterable[Row]) -> list[Any]:
    """A table of rich for each model, and what the columns mean."""
    from rich import box
    from rich.table import Table

    blocks: list[Any] = []
    for optimizers in by_model(rows).values():
        table = Table(box=box.SIMPLE_HEAD, title=title(optimizers[0]), title_justify="left", padding=(0, 1, 0, 0))
        first, *numbers, last = headings(optimizers[0])
        table.add_column(first, no_wrap=True)
        for text in numbers:
            table.add_column(text.replace(" ", "\n"), justify="right", no_wrap=True)
        table.add_column(last, min_width=11)
        for of_optimizer in optimizers:
            table.add_row(*cells(of_optimizer))
        blocks.append(table)
    return [*blocks, LEGEND]


def _listed(collectives: Iterable[Collective]) -> str:
    return ", ".join(f"{c.count:,} {c.kind} ({_size(c.bytes)})" for c in collectives) or "none"


def _size(size: int) -> str:
    if size < 10**4:
        return f"{size:,} B"
    return f"{size / 2**10:,.1f} KiB" if size < 2**20 else f"{gibibytes(size)} GiB"
