"""What a wrapper adds to a step: `python docs/precision_cost.py [--rounds N] [--write docs/performance.md]`.

Each is around Adam, on the matrices and vectors of GPT-2 small in bfloat16, beside Adam alone.
"""

import argparse
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
from pages import fill

import optax_zoo as zoo
from optax_zoo import precision
from optax_zoo.cost.step import measure, tree_of
from optax_zoo.cost.step.costs import machine
from optax_zoo.cost.step.table import for_markdown

WRAPPED = {
    "master weights": precision.with_master_weights,
    "Kahan summation": precision.with_kahan_summation,
    "stochastic rounding": precision.with_stochastic_rounding,
    "state in int8": precision.with_quantized_state,
    "state in int8, stochastic": lambda tx: precision.with_quantized_state(tx, key=0),
    "state in float8_e4m3fn": lambda tx: precision.with_quantized_state(tx, "float8_e4m3fn"),
    "state in bfloat16": lambda tx: precision.with_quantized_state(tx, "bfloat16"),
}


def main():
    """Prints the tables, or writes them into the page."""
    parser = argparse.ArgumentParser(description="What a wrapper adds to a step.")
    parser.add_argument("--rounds", type=int, default=5, help="how often both take turns (5)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="rewrite what is between the markers in the page")
    arguments = parser.parse_args()
    tree = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, jnp.bfloat16), tree_of("gpt2-small"))
    costs = []
    for name, wrap in WRAPPED.items():
        wrapped, alone = (name, wrap(zoo.adam(1e-3))), ("adam", zoo.adam(1e-3))
        costs.append(measure(wrapped, alone, "gpt2-small", tree, arguments.rounds))
        print(costs[-1], file=sys.stderr, flush=True)
    body = "\n\n".join([*for_markdown(costs), f"{arguments.rounds} rounds; {machine()}."])
    if arguments.write:
        arguments.write.write_text(fill(arguments.write.read_text(), "precision-cost", body))
    print(body)
    return 0


if __name__ == "__main__":
    sys.exit(main())
