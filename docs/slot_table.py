"""The table of algorithms by slot, from the registry: `python docs/slot_table.py [--write|--check] README.md`."""

import sys
from collections.abc import Callable

from pages import one_part

import optax_zoo as zoo
from optax_zoo.primitives.expressions import expression


def slot_table(name_cell: Callable[[str], str] = "`{}`".format) -> str:
    """A Markdown table with a row for each algorithm at its defaults, and a column for each slot that one fills.

    Args:
      name_cell: from a name to the cell that it is shown in.
    """
    algorithms = [zoo.describe(name) for name in zoo.list_algorithms()]
    filled = {algorithm.name: getattr(algorithm.factory(**algorithm.defaults), "slots", {}) for algorithm in algorithms}
    slots = [slot for slot in zoo.SLOTS if any(slot in parts for parts in filled.values())]
    rows = [["name", "year", *slots, "bytes", "params"], ["---"] * (len(slots) + 4)]
    for algorithm in algorithms:
        parts = filled[algorithm.name]
        cells = [f"`{expression(parts[slot], slot)}`" if slot in parts else "" for slot in slots]
        needs = "yes" if "params" in algorithm.needs else ""
        rows.append([name_cell(algorithm.name), str(algorithm.year), *cells, f"{algorithm.state_bytes:g}", needs])
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{table}\n\nbytes: state per float32 parameter. params: whether `update` needs the parameters."


def main() -> int:
    """Prints the table, writes it into a file, or checks that it is up to date there."""
    return one_part("The table of algorithms by slot, from the registry.", "slots", slot_table)


if __name__ == "__main__":
    sys.exit(main())
