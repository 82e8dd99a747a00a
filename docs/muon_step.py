"""What Muon's steps cost beside optax's: `python docs/muon_step.py [--rounds N] [--write docs/performance.md]`.

Both do the same: the same leaves are matrices, with the same momentum, iterations and factor, and the others have the
same optimizer (`tests/algorithms/muon/counterpart.py` shows that the steps are equal).
"""

import argparse
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import optax
from pages import fill

import optax_zoo as zoo
from optax_zoo.cost.step import measure, tree_of
from optax_zoo.cost.step.costs import machine
from optax_zoo.cost.step.table import for_markdown


def equal(rows, columns, count=48):
    """A tree of equal matrices."""
    return {f"layer_{number}": jax.ShapeDtypeStruct((rows, columns), jnp.float32) for number in range(count)}


TREES = {
    "gpt2-small": tree_of("gpt2-small"),
    "48 x 512 x 512": equal(512, 512),
    "48 x 256 x 1024": equal(256, 1024),
}


def ours():
    """Muon with optax's momentum and rest."""
    tx = zoo.muon(1e-3, eps=1e-8, by=zoo.matrices(most_axes=2), rest=zoo.nadam(1e-3, momentum_decay=None))
    return tx.replace(matrices={"numerator": zoo.nesterov_ema(0.95)})


def main():
    """Prints the tables, or writes them into the page."""
    parser = argparse.ArgumentParser(description="What Muon's steps cost beside optax's.")
    parser.add_argument("--rounds", type=int, default=5, help="how often both take turns (5)")
    parser.add_argument("--tree", choices=TREES, action="append", help="a tree, by default all")
    parser.add_argument("--write", type=Path, metavar="FILE", help="rewrite what is between the markers in the page")
    arguments = parser.parse_args()
    costs = []
    for name in arguments.tree or TREES:
        theirs = ("optax.contrib.muon", optax.contrib.muon(1e-3))
        costs.append(measure((f"muon, {name}", ours()), theirs, name, TREES[name], arguments.rounds))
        print(f"{name}: {costs[-1]}", file=sys.stderr, flush=True)
    body = "\n\n".join([*for_markdown(costs), f"{arguments.rounds} rounds; {machine()}."])
    if arguments.write:
        arguments.write.write_text(fill(arguments.write.read_text(), "muon-step", body))
    print(body)
    return 0


if __name__ == "__main__":
    sys.exit(main())
