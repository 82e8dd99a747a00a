"""State and collectives at scale, the tables of scaling.md: `python docs/scaling_table.py [--write|--check] FILE`."""

import argparse
import re
import sys
from pathlib import Path

import optax_zoo as zoo
from optax_zoo.cost import rows
from optax_zoo.cost.collectives import split_cpu
from optax_zoo.cost.table import by_model, cells, headings

BEGIN, END = "<!-- scaling:begin -->", "<!-- scaling:end -->"


def scaling_tables() -> str:
    """A Markdown table for each model: a row for each algorithm, columns for each number of devices."""
    split_cpu()
    algorithms = {name: zoo.describe(name) for name in zoo.list_algorithms()}
    found = rows({name: known.factory(**known.example) for name, known in algorithms.items()})
    sections = []
    for model, optimizers in by_model(found).items():
        first = optimizers[0]
        heads = headings(first)
        alignment = ["---", *["---:"] * (len(heads) - 2), "---"]
        lines = [heads, alignment, *([f"`{name}`", *rest] for name, *rest in map(cells, optimizers))]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        sections.append(f"### {model}: {first[0].parameters:,} parameters\n\n{table}")
    return "\n\n".join(sections)


def fill(text: str, tables: str) -> str:
    """A Markdown text with the tables between its two markers.

    Raises:
      ValueError: if the text does not have both markers once.
    """
    pattern = re.compile(rf"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise ValueError(f"the text must have {BEGIN} and, after it, {END} once.")
    return pattern.sub(lambda _: f"{BEGIN}\n\n{tables}\n\n{END}", text)


def main() -> int:
    """Prints the tables, writes them into a file, or checks that they are up to date there."""
    parser = argparse.ArgumentParser(description="State and collectives at scale, from the registry.")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--write", type=Path, metavar="FILE", help=f"rewrite what is between {BEGIN} and {END}")
    action.add_argument("--check", type=Path, metavar="FILE", help="exit with 1 if --write would change the file")
    arguments = parser.parse_args()
    path = arguments.write or arguments.check
    if path is None:
        print(scaling_tables())
        return 0
    try:
        before = path.read_text()
        fill(before, "")
        after = fill(before, scaling_tables())
    except (OSError, ValueError) as error:
        parser.error(f"{path}: {error}")
    if arguments.write:
        path.write_text(after)
    elif before != after:
        print(f"{path} is out of date; run: python docs/scaling_table.py --write {path}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
