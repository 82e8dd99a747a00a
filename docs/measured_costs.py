"""Tables of measured steps, printed and written into a page: what scripts that measure have in common."""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pages import fill

from optax_zoo.cost.step.costs import machine
from optax_zoo.cost.step.table import for_markdown


def parser(description: str) -> argparse.ArgumentParser:
    """The options of all of them."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--rounds", type=int, default=5, help="how often both take turns (5)")
    options.add_argument("--write", type=Path, metavar="FILE", help="rewrite what is between the markers in the page")
    return options


def report(costs: Iterable[Any], marker: str, arguments: argparse.Namespace) -> int:
    """Prints each cost when it has been measured, at the end the tables, which are written if a page is named."""
    measured = []
    for cost in costs:
        measured.append(cost)
        print(cost, file=sys.stderr, flush=True)
    body = "\n\n".join([*for_markdown(measured), f"{arguments.rounds} rounds; {machine()}."])
    if arguments.write:
        arguments.write.write_text(fill(arguments.write.read_text(), marker, body))
    print(body)
    return 0
