"""Fused steps beside optax's, ours and torch's: `python docs/step_fused.py [NAME...] [--python PYTHON_WITH_TORCH]`.

Each side is a process, as the flag is for a process; they take turns of some steps, on the tree that `--tree` names.
Prints the table of performance.md, or writes it there (`--write docs/performance.md`). Leave the machine to it.
"""

import argparse
import importlib.metadata
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import jax
from pages import fill

from optax_zoo.cost.step.timing import ratios
from optax_zoo.cost.step.trees import TREES, tree_of

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
NAMES = ("adam", "adamw", "momentum", "nag", "rmsprop", "adagrad", "adamax", "nadam", "amsgrad", "lion")
OF_TORCH = ("adam", "adamw", "momentum", "nag", "adagrad")
STEPS = 3
HEAD = (
    "| optimizer | fused, ms | not, ms | optax's, ms | torch's fused, ms | / ours not fused | / optax's | / torch's |\n"
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)


class Side:
    """A process that takes steps when it is told to."""

    def __init__(self, kind, name, tree, python):
        command = [python, str(Path(__file__).with_name("step_fused_side.py"))]
        environment = {key: value for key, value in os.environ.items() if key != "XLA_FLAGS"}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        shapes = [x.shape for x in jax.tree.leaves(tree_of(tree))]
        self._say(json.dumps({"kind": kind, "name": name, "tree": tree, "shapes": shapes, "cores": CORES}))

    def _say(self, text):
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()

    def milliseconds(self):
        """Of a step, the mean of a few."""
        self._say(str(STEPS))
        return 1e3 * float(self._process.stdout.readline())

    def close(self):
        """Ends the process, whose memory the next needs."""
        self._process.stdin.close()
        self._process.wait()


def row(name, tree, rounds, python):
    """A line of the table."""
    kinds = ["fused", "plain", "optax", *(["torch"] if python and name in OF_TORCH else [])]
    sides = {kind: Side(kind, name, tree, python if kind == "torch" else sys.executable) for kind in kinds}
    found = {kind: [] for kind in kinds}
    for number in range(rounds + 1):  # the first warms up
        for kind in kinds if number % 2 else reversed(kinds):
            found[kind].append(sides[kind].milliseconds())
    for side in sides.values():
        side.close()
    medians = {kind: f"{statistics.median(times[1:]):.1f}" for kind, times in found.items()}
    times = [medians.get(kind, "") for kind in ("fused", "plain", "optax", "torch")]
    shares = []
    for kind in ("plain", "optax", "torch"):
        ratio = ratios(found["fused"][1:], found[kind][1:]) if kind in found else None
        shares.append(f"{ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f})" if ratio else "")
    return f"| `{name}` | {' | '.join([*times, *shares])} |"


def main():
    """Prints the table, or writes it into the page."""
    parser = argparse.ArgumentParser(description="Fused steps beside others.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="by default those of the page")
    parser.add_argument("--tree", choices=TREES, default="gpt2-small")
    parser.add_argument("--rounds", type=int, default=5, help="how often all take turns (5)")
    parser.add_argument("--python", help="an interpreter that has PyTorch")
    parser.add_argument("--write", type=Path, metavar="FILE", help="rewrite what is between the markers in the page")
    arguments = parser.parse_args()
    lines = [HEAD]
    for name in arguments.names or NAMES:
        lines.append(row(name, arguments.tree, arguments.rounds, arguments.python))
        print(lines[-1], file=sys.stderr, flush=True)
    versions = ", ".join(f"{package} {importlib.metadata.version(package)}" for package in ("jax", "optax"))
    said = (
        f"{arguments.tree}: medians of {arguments.rounds} turns of {STEPS} steps, ratios of turns next to each other, "
        f"with quartiles; {versions}, {CORES} cores."
    )
    body = "\n".join([*lines, "", said])
    print(body)
    if arguments.write:
        arguments.write.write_text(fill(arguments.write.read_text(), "step-fused", body))


if __name__ == "__main__":
    main()
