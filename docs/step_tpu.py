"""What XLA makes of a step for a TPU: `python docs/step_tpu.py [--write docs/performance.md]`.

Compiles for a TPU v5e, which takes no TPU but its compiler, `pip install libtpu`. Nothing is run.
"""

import argparse
import os
import re
import sys
from pathlib import Path

import jax
from jax.experimental import topologies
from pages import fill

import optax_zoo as zoo
from optax_zoo.cost.step import tree_of
from optax_zoo.cost.step.program import Program
from optax_zoo.cost.step.rivals import SAME

TREE = "one-16m"
FUSION = re.compile(r" = (?:\([^=]*?\)|\S+) fusion\(")
HEADS = (
    "| algorithm | temp | bytes / least | fusions | optax's temp | bytes / least | fusions |\n| --- |" + " ---: |" * 6
)


def device():
    """A TPU v5e that is only compiled for."""
    described = {"TPU_SKIP_MDS_QUERY": "1", "TPU_ACCELERATOR_TYPE": "v5e-4", "TPU_WORKER_HOSTNAMES": "localhost"}
    for name, value in described.items():
        os.environ.setdefault(name, value)
    return topologies.get_topology_desc("v5e:2x2", platform="tpu").devices[0]


def cells(tx, tree):
    """Temporaries in bytes per parameter, bytes accessed over the least, and fusions."""
    program = Program.of(tx, tree)
    text = program.compiled.as_text()
    parameters = sum(x.size for x in jax.tree.leaves(tree))
    temporary = f"{program.temporary_bytes / parameters:.2f}".rstrip("0").rstrip(".")
    fusions = len(FUSION.findall(text[text.index("\nENTRY") :]))
    return [temporary, f"{program.accessed / program.minimum:.2f}", str(fusions)]


def table():
    """A row for each algorithm."""
    sharding = jax.sharding.SingleDeviceSharding(device())
    tree = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding), tree_of(TREE))
    rows = []
    for name in zoo.list_algorithms():
        known = zoo.describe(name)
        beside = cells(SAME[name], tree) if name in SAME else [""] * 3
        rows.append(f"| {' | '.join([f'`{name}`', *cells(known.factory(**known.example), tree), *beside])} |")
        print(name, file=sys.stderr, flush=True)
    return "\n".join([HEADS, *rows, "", f"`{TREE}`, jax {jax.__version__}, compiled for one TPU v5e."])


def main():
    """Prints the table, or writes it into the page."""
    parser = argparse.ArgumentParser(description="What XLA makes of a step for a TPU.")
    parser.add_argument("--write", type=Path, metavar="FILE", help="rewrite what is between the markers in the page")
    arguments = parser.parse_args()
    try:
        body = table()
        if arguments.write:
            arguments.write.write_text(fill(arguments.write.read_text(), "step-tpu", body))
    except (OSError, ValueError, RuntimeError) as error:
        parser.error(str(error))
    print(body)
    return 0


if __name__ == "__main__":
    sys.exit(main())
