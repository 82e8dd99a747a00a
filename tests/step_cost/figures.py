"""What XLA says of a step of every algorithm, by version of jax: `python tests/step_cost/figures.py [NAME...]` records.

tests/algorithms/NAME/figures.json has, for each version, of the algorithm at its example in the registry, on a tree of
two matrices of one shape, a vector and a number, the bytes of state, of temporaries and accessed, and the number of
kernels. Recording adds a version that is not there, and replaces the figures of one that is.
"""

import json
import pathlib
import sys

import jax

import optax_zoo as zoo
from optax_zoo.cost.step.program import Program

FOLDERS = pathlib.Path(__file__).parent.parent / "algorithms"
TREE = {
    "kernel": jax.ShapeDtypeStruct((768, 768), "float32"),
    "kernel of the same shape": jax.ShapeDtypeStruct((768, 768), "float32"),
    "bias": jax.ShapeDtypeStruct((768,), "float32"),
    "scale": jax.ShapeDtypeStruct((), "float32"),
}


def figures(name):
    """Those of an algorithm."""
    known = zoo.describe(name)
    program = Program.of(known.factory(**known.example), TREE)
    return {
        "state_bytes": program.state_bytes,
        "temporary_bytes": program.temporary_bytes,
        "accessed": program.accessed,
        "kernels": program.kernels,
    }


def file(name):
    """Where the figures of an algorithm are recorded."""
    return FOLDERS / name / "figures.json"


def recorded(name):
    """Those of an algorithm, by version of jax."""
    return json.loads(file(name).read_text(encoding="utf-8")) if file(name).exists() else {}


def main(names):
    """Records the figures for the version of jax that is installed."""
    for name in names or zoo.list_algorithms():
        versions = {**recorded(name), jax.__version__: figures(name)}
        file(name).write_text(json.dumps(versions, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
