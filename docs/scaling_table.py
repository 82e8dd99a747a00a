"""State and collectives at scale, the tables of scaling.md: `python docs/scaling_table.py [--write|--check] FILE`."""

import sys

from pages import one_part

import optax_zoo as zoo
from optax_zoo.cost import rows
from optax_zoo.cost.collectives import split_cpu
from optax_zoo.cost.table import by_model, cells, headings


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


def main() -> int:
    """Prints the tables, writes them into a file, or checks that they are up to date there."""
    return one_part("State and collectives at scale, from the registry.", "scaling", scaling_tables)


if __name__ == "__main__":
    sys.exit(main())
