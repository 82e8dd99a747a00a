"""What XLA says of a step of every algorithm, recorded by version of jax: `python tests/step_cost/figures.py` records.

figures.json has, for each version and each algorithm at its example in the registry, on a tree of two matrices of one
shape, a vector and a number, the bytes of state, of temporaries and accessed, and the number of kernels. A version that
is not there is added; the figures of one that is there are replaced.
"""

import json
import pathlib

import jax

import optax_zoo as zoo
from optax_zoo.cost.step.program import Program

FILE = pathlib.Path(__file__).with_name("figures.json")
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


def recorded():
    """All figures, by version of jax."""
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}


def main():
    """Records the figures for the version of jax that is installed."""
    versions = recorded()
    versions[jax.__version__] = {name: figures(name) for name in zoo.list_algorithms()}
    FILE.write_text(json.dumps(versions, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
