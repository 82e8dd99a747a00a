"""The table of algorithms by slot, from the registry: `python docs/slot_table.py [--write|--check] README.md`."""

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path

import optax_zoo as zoo
from optax_zoo.primitives.part import expression

BEGIN, END = "<!-- slots:begin -->", "<!-- slots:end -->"


def slot_table(name_cell: Callable[[str], str] = "`{}`".format) -> str:
    """A Markdown table with a row for each algorithm at its defaults, and a column for each slot that one fills.

    Args:
      name_cell: from a name to the cell that it is shown in.
    """
    algorithms = [zoo.describe(name) for name in zoo.list_algorithms()]
    filled = {algorithm.name: algorithm.factory().slots for algorithm in algorithms}
    slots = [slot for slot in zoo.SLOTS if any(slot in parts for parts in filled.values())]
    rows = [["name", "year", *slots, "bytes", "params"], ["---"] * (len(slots) + 4)]
    for algorithm in algorithms:
        parts = filled[algorithm.name]
        cells = [f"`{expression(parts[slot], slot)}`" if slot in parts else "" for slot in slots]
        needs = "yes" if "params" in algorithm.needs else ""
        rows.append([name_cell(algorithm.name), str(algorithm.year), *cells, f"{algorithm.state_bytes:g}", needs])
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{table}\n\nbytes: state per float32 parameter. params: whether `update` needs the parameters."


def fill(text: str, table: str) -> str:
    """A Markdown text with the table between its two markers.

    Raises:
      ValueError: if the text does not have both markers once.
    """
    pattern = re.compile(rf"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise ValueError(f"the text must have {BEGIN} and, after it, {END} once.")
    return pattern.sub(lambda _: f"{BEGIN}\n{table}\n{END}", text)


def main() -> int:
    """Prints the table, writes it into a file, or checks that it is up to date there."""
    parser = argparse.ArgumentParser(description="The table of algorithms by slot, from the registry.")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--write", type=Path, metavar="FILE", help=f"rewrite what is between {BEGIN} and {END}")
    action.add_argument("--check", type=Path, metavar="FILE", help="exit with 1 if --write would change the file")
    arguments = parser.parse_args()
    path = arguments.write or arguments.check
    if path is None:
        print(slot_table())
        return 0
    try:
        before = path.read_text()
        after = fill(before, slot_table())
    except (OSError, ValueError) as error:
        parser.error(f"{path}: {error}")
    if arguments.write:
        path.write_text(after)
    elif before != after:
        print(f"{path} is out of date; run: python docs/slot_table.py --write {path}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
