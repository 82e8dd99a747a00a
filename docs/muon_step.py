"""What Muon's steps cost beside optax's: `python docs/muon_step.py [--rounds N] [--write docs/performance.md]`.

Both do the same: the same leaves are matrices, with the same momentum, iterations and factor, and the others have the
same optimizer (`tests/algorithms/muon/counterpart.py` shows that the steps are equal).
"""

import sys

import jax
import jax.numpy as jnp
import measured_costs
import optax

import optax_zoo as zoo
from optax_zoo.cost.step import measure, tree_of


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
    parser = measured_costs.parser("What Muon's steps cost beside optax's.")
    parser.add_argument("--tree", choices=TREES, action="append", help="a tree, by default all")
    arguments = parser.parse_args()
    theirs = ("optax.contrib.muon", optax.contrib.muon(1e-3))
    costs = (
        measure((f"muon, {name}", ours()), theirs, name, TREES[name], arguments.rounds)
        for name in arguments.tree or TREES
    )
    return measured_costs.report(costs, "muon-step", arguments)


if __name__ == "__main__":
    sys.exit(main())
