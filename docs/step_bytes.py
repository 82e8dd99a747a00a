"""Bytes of a step of every algorithm beside the fewest possible: `python docs/step_bytes.py` prints the table."""

import json
import pathlib
import sys
from collections.abc import Iterator

import jax

import optax_zoo as zoo
from optax_zoo.cost.step.program import least_accessed

TESTS = pathlib.Path(__file__).parent.parent / "tests"
sys.path.append(str(TESTS / "step_cost"))

from figures import TREE, recorded  # noqa: E402

PARAMETERS = sum(leaf.size for leaf in jax.tree.leaves(TREE))


def rows() -> Iterator[str]:
    """A row for each algorithm, in bytes a parameter, of the newest version of jax that figures are recorded of."""
    yield "| algorithm | state | temporaries | accessed | floor | why more |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for name in zoo.list_algorithms():
        figures = recorded(name)[jax.__version__]
        numbers = [figures[kind] for kind in ("state_bytes", "temporary_bytes", "accessed")]
        shown = " | ".join(f"{number / PARAMETERS:.3g}" for number in [*numbers, floor(name)])
        yield f"| `{name}` | {shown} | {reason(name)} |"


def floor(name: str) -> int:
    """The fewest bytes that a step can access with kernels that write an array each."""
    known = zoo.describe(name)
    return least_accessed(known.factory(**known.example), TREE)


def reason(name: str) -> str:
    """Why a step keeps temporary arrays."""
    file = TESTS / "algorithms" / name / "temporaries.json"
    return json.loads(file.read_text(encoding="utf-8"))["why"] if file.exists() else ""


if __name__ == "__main__":
    print("\n".join(rows()))
