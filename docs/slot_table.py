"""What algorithms are made of: a table by slot, from the registry."""

from collections.abc import Callable, Iterable

import optax_zoo as zoo
from optax_zoo.primitives.expressions import expression


def slot_table(names: Iterable[str], name_cell: Callable[[str], str] = "`{}`".format) -> str:
    """A Markdown table with a row for each algorithm at its defaults, and a column for each slot that one fills.

    Args:
      names: of algorithms.
      name_cell: from a name to the cell that it is shown in.
    """
    algorithms = [zoo.describe(name) for name in names]
    filled = {algorithm.name: getattr(algorithm.factory(**algorithm.defaults), "slots", {}) for algorithm in algorithms}
    slots = [slot for slot in zoo.SLOTS if any(slot in parts for parts in filled.values())]
    rows = [["name", "year", *slots, "bytes", "params"], ["---"] * (len(slots) + 4)]
    for algorithm in algorithms:
        parts = filled[algorithm.name]
        cells = [f"`{expression(parts[slot], slot)}`" if slot in parts else "" for slot in slots]
        needs = "yes" if "params" in algorithm.needs else ""
        rows.append([name_cell(algorithm.name), str(algorithm.year), *cells, f"{algorithm.state_bytes:g}", needs])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
