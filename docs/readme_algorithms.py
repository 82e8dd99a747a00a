"""README's table of the algorithms most looked for: `python docs/readme_algorithms.py [--write|--check] README.md`."""

import inspect
import sys
from pathlib import Path

from pages import one_part

import optax_zoo as zoo
from optax_zoo.registry import families

LOOKED_FOR = [
    "momentum",
    "adam",
    "adamw",
    "lion",
    "adafactor",
    "lamb",
    "sam",
    "shampoo",
    "soap",
    "muon",
    "schedule_free_adamw",
    "prodigy",
]
REPOSITORY = Path(__file__).parents[1]


def part() -> str:
    """A Markdown table with a row for each of them, and the families of all."""
    rows = ["| algorithm | year | use it when, as its publication claims |", "| --- | --- | --- |"]
    rows += [f"| {linked(name)} | {zoo.describe(name).year} | {claim(name)} |" for name in LOOKED_FOR]
    folders = ", ".join(f"[`{family}`](optax_zoo/algorithms/{family})" for family in families())
    return "\n".join(rows) + f"\n\nAll others by family: {folders}."


def linked(name: str) -> str:
    """The name, with a link to the file of the algorithm."""
    file = Path(inspect.getfile(inspect.unwrap(zoo.describe(name).factory)))
    return f"[`{name}`]({file.relative_to(REPOSITORY).as_posix()})"


def claim(name: str) -> str:
    """What follows "Use it when"."""
    return zoo.describe(name).use_when.removeprefix("Use it when ").removesuffix(".")


def main() -> int:
    """Prints the table, writes it into a file, or checks that it is up to date there."""
    return one_part("The algorithms most looked for.", "algorithms", part)


if __name__ == "__main__":
    sys.exit(main())
