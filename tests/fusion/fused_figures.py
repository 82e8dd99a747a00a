"""What XLA says of steps of `fused`, by version of jax: `python tests/fusion/fused_figures.py [NAME...]` records.

tests/fusion/figures.json has the bytes of temporaries and accessed, the fewest that a step can access, and the number
of kernels, of algorithms at their examples on the tree of tests/step_cost. With --print it prints, and records nothing.
"""

import json
import pathlib
import sys

import jax

sys.path.append(str(pathlib.Path(__file__).parent.parent / "step_cost"))

from figures import TREE

import optax_zoo as zoo
from optax_zoo.cost.step.program import Program

FILE = pathlib.Path(__file__).parent / "figures.json"
NAMES = [
    *("adam", "adamw", "momentum", "nag", "rmsprop", "adagrad", "adamax", "nadam", "amsgrad", "lion"),
    *("adadelta", "expectigrad", "rmsprop_graves", "smorms3", "novograd", "clipped", "optimistic_adam"),
]


def figures(name):
    """Those of an algorithm."""
    known = zoo.describe(name)
    program = Program.of(zoo.fused(known.factory(**known.example)), TREE)
    return {
        "temporary_bytes": program.temporary_bytes,
        "accessed": program.accessed,
        "least": program.minimum,
        "kernels": program.kernels,
    }


def recorded():
    """All, by version of jax and name."""
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}


def main(words):
    """Records, or prints."""
    zoo.enable_fused_steps()
    found = {name: figures(name) for name in [word for word in words if word != "--print"] or NAMES}
    if "--print" in words:
        print(json.dumps(found))
    else:
        known = recorded()
        known[jax.__version__] = {**known.get(jax.__version__, {}), **found}
        FILE.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
