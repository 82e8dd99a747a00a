"""When an optimizer is not the one to take: what it asks for, what it costs, and where races found it behind."""

import json
from collections.abc import Iterator
from pathlib import Path

import choose_tables
import jax

import optax_zoo as zoo

DOCS = Path(__file__).parent
GUIDE, RECORDED = DOCS / "results" / "choose", DOCS.parent / "tests" / "algorithms"
ASKS = {
    "value": "The training loop does not give the loss to `update`, as `value=`.",
    "curvature": "A product of the Hessian with a vector is too dear: `update` asks for it, as `curvature=`.",
}
FAILURES = {
    "shard_map_sharded": "Leaves are split inside of `jax.shard_map`.",
    "huge_gradients": "Gradients come near the largest float32.",
    "map_params": "The state is walked by `optax.tree.map_params`.",
    "matrix_parabola": "Weights must be able to go anywhere.",
}
EVALUATED = "evaluation_params"  # of a state that has them
MUCH = 12  # bytes of state a parameter, half more than Adam's
TEMPORARIES = 6  # leaves that a step holds beside state and parameters
BEHIND = 0.9  # of the score of the best of a task


def when_not(name: str) -> str:
    """A list of reasons; empty where none is known."""
    return "\n".join(f"- {each}" for each in (*_asks(name), *_costs(name), *_behind(name)))


def _asks(name: str) -> Iterator[str]:
    algorithm = zoo.describe(name)
    yield from (ASKS[each] for each in algorithm.needs if each in ASKS)
    for check, reason in algorithm.expected_failures.items():
        if check in FAILURES:
            yield f"{FAILURES[check]} {reason[0].upper()}{reason[1:].rstrip('.')}."
    if _is_evaluated_elsewhere(name):
        yield "Whoever evaluates or exports cannot call `evaluation_params`: the trained parameters are not the result."


def _is_evaluated_elsewhere(name: str) -> bool:
    state = jax.eval_shape(zoo.create(name).init, jax.ShapeDtypeStruct((4, 3), "float32"))
    return any(hasattr(node, EVALUATED) for node in jax.tree.leaves(state, is_leaf=lambda x: hasattr(x, EVALUATED)))


def _costs(name: str) -> Iterator[str]:
    size, file = zoo.describe(name).state_bytes, RECORDED / name / "temporaries.json"
    leaves = json.loads(file.read_text(encoding="utf-8"))["leaves"] if file.exists() else 0
    costs = [f"the state takes {size:g} bytes a parameter, that of Adam 8"] if size >= MUCH else []
    costs += [f"a step on a matrix holds {leaves:.3g} more of its size"] if leaves >= TEMPORARIES else []
    if costs:
        yield f"Memory is short: {', and '.join(costs)}."


def _behind(name: str) -> Iterator[str]:
    if name not in choose_tables.ENTRANTS:
        return
    scores = choose_tables.summary_of(GUIDE).scores[name].by_task
    tasks = zip(sorted(choose_tables.TASKS), scores, strict=True)
    behind = ", ".join(f"{score:.2f} on `{task}`" for task, score in tasks if score < BEHIND)
    if behind:
        yield f"The task is like one where it was behind: {behind}, where 1 is [the best of 33](../choose.md)."
