"""What algorithms are made of: a table by slot, from the registry."""

from collections.abc import Callable, Iterable

import optax

import optax_zoo as zoo
from optax_zoo.conformance.probe import state_bytes
from optax_zoo.primitives.expressions import expression


def slot_table(names: Iterable[str], name_cell: Callable[[str], str] = "`{}`".format) -> str:
    """A Markdown table with a row for each algorithm at its defaults, and a column for each slot that one fills.

    A route has a row for each of its sides.

    Args:
      names: of algorithms.
      name_cell: from a name to the cell that it is shown in.
    """
    filled = [(algorithm, *side) for algorithm in map(zoo.describe, names) for side in sides(algorithm)]
    slots = [slot for slot in zoo.SLOTS if any(slot in getattr(tx, "slots", {}) for *_, tx in filled)]
    rows = [["name", "year", *slots, "bytes", "params"], ["---"] * (len(slots) + 4)]
    for algorithm, side, tx in filled:
        parts = getattr(tx, "slots", {})
        cells = [f"`{expression(parts[slot], slot)}`" if slot in parts else "" for slot in slots]
        needs = "yes" if "params" in algorithm.needs else ""
        name = name_cell(algorithm.name) + (f", {side}" if side else "")
        rows.append([name, str(algorithm.year), *cells, f"{state_bytes(tx):g}", needs])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def sides(algorithm: zoo.Algorithm) -> Iterable[tuple[str, optax.GradientTransformation]]:
    """An algorithm at its defaults, without a name; of a route the sides, by name."""
    made = algorithm.factory(**algorithm.defaults)
    return made.slots.items() if isinstance(made, zoo.Route) else [("", made)]
