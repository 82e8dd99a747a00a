"""Steps beside PyTorch's that renew preconditioners, and steps that do not.

`python docs/step_torch.py soap --peer soap:SOAP --python INTERPRETER [--tree equal] [--write docs/performance.md]`

Ours and theirs, with equal hyperparameters, are processes that take turns of a period each, from one renewal to the
next, with a thread for each core. Both are first given a period to warm up.
"""

import argparse
import importlib.metadata
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from pages import fill

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
EVERY = 10
BLOCK = [(256, 768), (768,), (256, 256), (256,), (256, 1024), (1024,), (1024, 256), (256,), *[(256,)] * 4]
TREES = {
    "gpt2-4x256": [(4096, 256), (256, 256), *BLOCK * 4, (256,), (256,)],
    "equal": [(256, 256)] * 48,
}
OURS = {"soap": {"every": EVERY, "max_size": 2048}, "shampoo": {"every": EVERY}}
THEIRS = {
    ("soap", "soap:SOAP"): {"precondition_frequency": EVERY, "max_precond_dim": 2048},
    ("soap", "heavyball:SOAP"): {
        "betas": (0.95, 0.95),
        "precondition_frequency": EVERY,
        "max_precond_dim": 2048,
        "merge_dims": False,
    },
    ("shampoo", "torch_optimizer:Shampoo"): {"update_freq": EVERY},
    ("shampoo", "pytorch_optimizer:Shampoo"): {"preconditioning_compute_steps": EVERY},
}


class Side:
    """A process that takes steps when it is told to."""

    def __init__(self, python, script, tree, name, hyperparameters):
        command = [python, str(Path(__file__).with_name(script))]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._say({"shapes": TREES[tree], "name": name, "hyperparameters": hyperparameters, "threads": CORES})

    def _say(self, what):
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()

    def steps(self, count):
        """The milliseconds of each of so many steps."""
        self._say(count)
        return [1e3 * seconds for seconds in json.loads(self._process.stdout.readline())]

    def close(self):
        """Ends the process."""
        self._process.stdin.close()
        self._process.wait()


def periods(sides, rounds):
    """For each side and round the milliseconds of the steps of a period."""
    found = [[] for _ in sides]
    for side in sides:
        side.steps(2 * EVERY)
    for number in range(rounds):
        for which in (0, 1) if number % 2 == 0 else (1, 0):
            found[which].append(sides[which].steps(EVERY))
    return found


def rows(ours, theirs):
    """A line for the ordinary step, for the one that renews, and for all: milliseconds, and ratios of each round."""
    kinds = {
        "ordinary": lambda times: statistics.median(sorted(times)[:-1]),
        "renewing": max,
        "mean": statistics.mean,
    }
    for kind, of in kinds.items():
        pairs = [(of(a), of(b)) for a, b in zip(ours, theirs, strict=True)]
        low, middle, high = statistics.quantiles([a / b for a, b in pairs], n=4)
        times = " | ".join(f"{statistics.median(side):.1f}" for side in zip(*pairs, strict=True))
        yield f"{kind} | {times} | {middle:.2f} ({low:.2f} to {high:.2f})"


def main():
    """Prints the table, or writes it into the page."""
    parser = argparse.ArgumentParser(description="Steps beside PyTorch's, of optimizers that renew preconditioners.")
    parser.add_argument("name", choices=OURS)
    parser.add_argument("--peer", required=True, metavar="MODULE:CLASS", help=", ".join(peer for _, peer in THEIRS))
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has PyTorch and the peer")
    parser.add_argument("--tree", choices=TREES, action="append", help="by default all")
    parser.add_argument("--rounds", type=int, default=7, help="how often both take a period (7)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="rewrite what is between the markers in the page")
    arguments = parser.parse_args()
    lines = [
        "| tree | step | ours, ms | theirs, ms | ours / theirs (quartiles) |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for tree in arguments.tree or TREES:
        sides = (
            Side(sys.executable, "step_torch_ours.py", tree, arguments.name, OURS[arguments.name]),
            Side(
                arguments.python, "step_torch_theirs.py", tree, arguments.peer, THEIRS[arguments.name, arguments.peer]
            ),
        )
        found = periods(sides, arguments.rounds)
        lines += [f"| `{tree}` | {row} |" for row in rows(*found)]
        print(*lines[-3:], sep="\n", file=sys.stderr, flush=True)
        for side in sides:
            side.close()
    said = f"{arguments.rounds} rounds of {EVERY} steps; jax {importlib.metadata.version('jax')}, {CORES} threads each."
    body = "\n".join([*lines, "", said])
    print(body)
    if arguments.write:
        marker = f"torch-{arguments.name}-{arguments.peer.split(':')[0]}"
        arguments.write.write_text(fill(arguments.write.read_text(), marker, body))


if __name__ == "__main__":
    main()
