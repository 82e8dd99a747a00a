"""What a wrapper adds to a step: `python docs/precision_cost.py [--rounds N] [--write docs/performance.md]`.

Each is around Adam, on the matrices and vectors of GPT-2 small in bfloat16, beside Adam alone.
"""

import sys

import jax
import jax.numpy as jnp
import measured_costs

import optax_zoo as zoo
from optax_zoo import precision
from optax_zoo.cost.step import measure, tree_of

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
    arguments = measured_costs.parser("What a wrapper adds to a step.").parse_args()
    tree = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, jnp.bfloat16), tree_of("gpt2-small"))
    alone = ("adam", zoo.adam(1e-3))
    costs = (
        measure((name, wrap(zoo.adam(1e-3))), alone, "gpt2-small", tree, arguments.rounds)
        for name, wrap in WRAPPED.items()
    )
    return measured_costs.report(costs, "precision-cost", arguments)


if __name__ == "__main__":
    sys.exit(main())
