"""What optimizers of whole matrices communicate: `python docs/matrices_table.py [--write|--check] docs/scaling.md`.

All rows take some ten minutes on two cores.
"""

import dataclasses
import inspect
import math
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from pages import one_part

import optax_zoo as zoo
from optax_zoo.conformance.sharding import state_sharding
from optax_zoo.conformance.subject import KNOWN
from optax_zoo.cost.collectives import IN_ORDER, QUICKLY, require_devices, split_cpu
from optax_zoo.cost.executed import executed, total_bytes
from optax_zoo.primitives import batched

AXES = ("data", "model")
SHARED = "both, shared out"
COUNT, SHAPE = 8, (256, 512)  # of the matrices
SEPARATE: dict[str, PartitionSpec] = {
    "inputs": PartitionSpec("data", None),
    "outputs": PartitionSpec(None, "data"),
    "both": PartitionSpec(*AXES),
}
STACKED: dict[str, PartitionSpec] = {
    "both, stacked": PartitionSpec(None, *AXES),
    "layers": PartitionSpec(AXES, None, None),
}


@dataclasses.dataclass(frozen=True)
class Step:
    """A compiled step.

    Attributes:
      text: of the program.
      temporaries: their largest size together, on a device.
      parameters: bytes of all parameters, before they are split.
    """

    text: str
    temporaries: int
    parameters: int


def compiled(tx: optax.GradientTransformation, params: Any, spec: PartitionSpec) -> Step:
    """The step on 8 devices, 4 x 2, with all parameters split alike."""
    tx = optax.with_extra_args_support(tx)
    shardings = jax.tree.map(lambda _: NamedSharding(mesh(), spec), params)
    of_both = shardings, state_sharding(tx, params, shardings)

    def step(params: Any, state: Any, grads: Any) -> tuple[Any, Any]:
        extra = {name: make(params, grads) for name, make in KNOWN.items()}
        updates, state = tx.update(grads, state, params, **extra)
        return optax.apply_updates(params, updates), state

    def placed(x: Any, sharding: NamedSharding) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding)

    inputs = jax.tree.map(placed, (params, jax.eval_shape(tx.init, params)), of_both)
    lowered = jax.jit(step, out_shardings=of_both, donate_argnums=(0, 1)).lower(*inputs, inputs[0])
    program = lowered.compile(compiler_options={**QUICKLY, **IN_ORDER})
    size = sum(4 * math.prod(p.shape) for p in jax.tree.leaves(params))
    return Step(program.as_text() or "", program.memory_analysis().temp_size_in_bytes, size)


def mesh() -> Mesh:
    """8 devices, 4 x 2."""
    return Mesh(np.array(require_devices()).reshape(4, 2), AXES, axis_types=(AxisType.Auto,) * 2)


def steps(name: str) -> Iterator[tuple[str, Step]]:
    """Of an algorithm at its defaults: how matrices are split, and the step."""
    factory = zoo.describe(name).factory
    separate = {str(number): jax.ShapeDtypeStruct(SHAPE, jnp.float32) for number in range(COUNT)}
    for split, spec in SEPARATE.items():
        step = compiled(zoo.create(name), separate, spec)
        yield split, step
    if "stacked" in inspect.signature(factory).parameters:
        stacked = {"layers": jax.ShapeDtypeStruct((COUNT, *SHAPE), jnp.float32)}
        for split, spec in STACKED.items():
            yield split, compiled(zoo.create(name, stacked=1), stacked, spec)
    if total_bytes(executed(step.text)) > step.parameters / 4:
        at_rest = NamedSharding(mesh(), SEPARATE["both"])
        yield SHARED, compiled(zoo.spread_matrices(zoo.create(name), at_rest), separate, at_rest.spec)
    if "rank_fraction" in inspect.signature(factory).parameters:
        yield "both, `rank_fraction=1/8`", compiled(zoo.create(name, rank_fraction=0.125), separate, SEPARATE["both"])


def cells(step: Step) -> list[str]:
    """Collectives by kind with their number, their bytes, and temporaries; both in units of the parameters."""
    most, least = (executed(step.text, renews=renews) for renews in (True, False))
    kinds: Counter[str] = Counter()
    for each, times in most.items():
        kinds[each.kind] += times
    both = f"{total_bytes(most) / step.parameters:.2f}"
    usual = f"{total_bytes(least) / step.parameters:.2f}"
    shown = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
    moved = both if both == usual else f"{usual}, {both}"
    return [shown or "none", moved, f"{step.temporaries / step.parameters:.2f}"]


def table() -> str:
    """A Markdown table: a line for each algorithm that needs whole matrices, rows or columns, and each way to split.

    Batches are made as on accelerators, and hold one matrix, as they do where matrices are of 4,096 x 4,096.
    """
    split_cpu()
    one_each = mock.patch.object(batched, "RESIDENT", math.prod(SHAPE))
    with one_each, mock.patch.object(jax, "default_backend", lambda: "tpu"):
        return _table()


def _table() -> str:
    lines = [["algorithm", "split along", "collectives", "bytes", "temporaries"], ["---"] * 3 + ["---:"] * 2]
    for name in zoo.list_algorithms(lambda each: "shard_map_sharded" in each.expected_failures):
        if zoo.describe(name).family == "sampling":
            continue
        known: dict[str, list[str]] = {}
        for split, step in steps(name):
            found = cells(step)
            if not (split == SHARED and found == known["both"]):  # where it has no say
                lines.append(["" if known else f"`{name}`", split, *found])
            known[split] = found
        print(name, file=sys.stderr, flush=True)
    made = f"{COUNT} matrices of {SHAPE[0]} inputs and {SHAPE[1]} outputs, jax {jax.__version__}."
    return "\n".join([made, "", *(f"| {' | '.join(line)} |" for line in lines)])


if __name__ == "__main__":
    sys.exit(one_part("What optimizers of whole matrices communicate.", "matrices", table))
