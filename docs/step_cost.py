"""What steps cost beside optax's: `python docs/step_cost.py [name ...] [--tree NAME] [--write docs/performance.md]`.

Prints the tables of performance.md, a section for each tree, or writes them there. It takes half an hour.
"""

import argparse
import os
import sys
from pathlib import Path

from pages import fill

import optax_zoo as zoo
from optax_zoo.cost.step import TooLargeError, measure, tree_of
from optax_zoo.cost.step.costs import machine
from optax_zoo.cost.step.rivals import SAME, same_of_optax
from optax_zoo.cost.step.table import for_markdown

TREES = {"gpt2-small": zoo.list_algorithms(), "thousand-leaves": list(SAME)}
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def section(tree, names, rounds):
    """The tables of a tree, what was refused, and the machine."""
    costs, refused = [], []
    for name in names:
        known = zoo.describe(name)
        try:
            costs.append(
                measure((name, known.factory(**known.example)), same_of_optax(name), tree, tree_of(tree), rounds)
            )
        except TooLargeError as error:
            refused.append(f"Not measured: {error}")
        print(f"{tree}: {name}", file=sys.stderr, flush=True)
    load = f", load average {os.getloadavg()[1]:.1f} at the end" if hasattr(os, "getloadavg") else ""
    setting = f"{costs[0].parameters:,} parameters, {rounds} rounds; {machine()}, {CORES} cores{load}."
    return "\n\n".join([*for_markdown(costs), *refused, setting])


def main():
    """Prints the tables, or writes them into the page."""
    parser = argparse.ArgumentParser(description="What steps cost beside optax's.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="algorithms, by default those of the page")
    parser.add_argument("--tree", choices=[*TREES, "one-16m", "resnet50", "1b"], help="one tree, by default all")
    parser.add_argument("--rounds", type=int, default=5, help="how often ours and optax's take turns (5)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="rewrite what is between the markers in the page")
    arguments = parser.parse_args()
    for tree in [arguments.tree] if arguments.tree else TREES:
        try:
            body = section(tree, arguments.names or TREES.get(tree, list(SAME)), arguments.rounds)
            if arguments.write:
                arguments.write.write_text(fill(arguments.write.read_text(), f"step-{tree}", body))
        except (OSError, ValueError) as error:
            parser.error(str(error))
        print(body, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
