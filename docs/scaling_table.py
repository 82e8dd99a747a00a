"""Prints state and collectives at scale, the tables of scaling.md: `python docs/scaling_table.py`."""

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


if __name__ == "__main__":
    print(scaling_tables())
