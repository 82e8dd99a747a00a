"""What `optax-zoo show NAME --tree TREE` prints: where the leaves of a tree go, and how they are seen."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import jax
import optax
from rich import box
from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from optax_zoo._leaf_rules import PLAIN, Rules
from optax_zoo.cost.step.program import size_of
from optax_zoo.cost.step.trees import count, tree_of
from optax_zoo.pipeline import Pipeline
from optax_zoo.placement import Line, Placement, folded, placements, sees_leaves
from optax_zoo.primitives.decay import DECAYS, STAYS
from optax_zoo.primitives.expressions import expression
from optax_zoo.primitives.part import Part
from optax_zoo.route import Route
from optax_zoo.spelling import Spelling, read

ALL = "all"
_DECAY = {DECAYS: "yes", STAYS: "no"}


class _UntakenError(ValueError):
    """A rule for an optimizer that takes none."""


def description(name: str, tree: str, rules: Rules = PLAIN) -> list[Any]:
    """What `show` prints about an optimizer on a tree.

    Raises:
      ValueError: if there is no such optimizer or tree, or they do not go together.
    """
    found, shapes = read(name, "name"), tree_of(tree)
    try:
        tx = _made(found, rules.arguments(found.parameters))
        state = jax.eval_shape(tx.init, shapes)
        placed = placements(tx, shapes)
        _refuse_unused(rules, found.text, placed)
    except _UntakenError:
        raise
    except Exception as error:  # whatever a user's optimizer does
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise ValueError(f"name is {name!r}, which fails on {tree}: {reason}") from error
    lines = folded(shapes, placed, rules.rates(shapes))
    order = list(tx.slots) if isinstance(tx, Route) else [""]
    sides = sorted({line.placement.side for line in lines}, key=lambda side: (order.index(side.split("/")[0]), side))
    of_sides = {side: [line for line in lines if line.placement.side == side] for side in sides}
    blocks = {
        f"{name} on {tree}": _totals(tx, state, shapes, placed),
        **{f"Leaves of {side}" if side else "Leaves": _leaves(own) for side, own in of_sides.items()},
        "What is done with them": _slots(tx),
    }
    return [Group(Text(title, style="bold"), Padding(body, (0, 0, 1, 2))) for title, body in blocks.items()]


def _made(found: Spelling, given: Mapping[str, Any]) -> optax.GradientTransformation:
    """The optimizer at its defaults, not at the example for small trees that the registry has."""
    found.refuse_what_needs_more()
    for name in given:
        if name not in found.parameters:
            option = {"by": "but", "weight_decay_mask": "no-decay"}.get(name, name)
            raise _UntakenError(f"{option} is for optimizers that take {name}=, but {found.text} does not.")
    kinds = found.parameters.values()
    whole = any(parameter.kind is parameter.VAR_KEYWORD for parameter in kinds)
    required = {parameter.name for parameter in kinds if parameter.default is parameter.empty}
    needed = {name: value for name, value in found.example.items() if whole or name in required}
    return found.called(**needed, **given)


def _refuse_unused(rules: Rules, name: str, placed: Sequence[Placement]) -> None:
    """Refuses to show a mask of a row that has no weight decay at its defaults."""
    if rules.no_decay is not None and placed and not any(_DECAY.keys() & {*leaf.seen} for leaf in placed):
        raise _UntakenError(f"no-decay is for optimizers that decay weights, but {name} by default does not.")


def _totals(tx: optax.GradientTransformation, state: Any, tree: Any, placed: Sequence[Placement]) -> Any:
    """Leaves, parameters and bytes of state of each side, and of all."""
    sides: dict[str, list[int]] = {side: [] for side in (tx.slots if isinstance(tx, Route) else ())}
    for leaf, placement in zip(jax.tree.leaves(tree), placed, strict=True):
        if isinstance(tx, Route):
            sides[placement.side.partition("/")[0]].append(math.prod(leaf.shape))
    total = count(tree)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), show_edge=False)
    for heading in ("side", "leaves", "parameters", "share", "state", "B/param"):
        table.add_column(heading, justify="left" if heading == "side" else "right")
    for side, sizes in sides.items():
        table.add_row(side, *_figures(len(sizes), sum(sizes), total, size_of(state[side])))
    table.add_row(ALL, *_figures(len(placed), total, total, size_of(state)))
    return table


def _figures(leaves: int, parameters: int, total: int, state: int) -> list[str]:
    share = f"{parameters / max(total, 1):.1%}"
    each = f"{state / parameters:.2f}".rstrip("0").rstrip(".") if parameters else ""
    return [f"{leaves:,}", f"{parameters:,}", share, _bytes(state), each]


def _bytes(size: int) -> str:
    for unit, power in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if size >= 2**power:
            return f"{size / 2**power:.1f} {unit}"
    return f"{size} B"


def _leaves(lines: Sequence[Line]) -> Any:
    """A line for each kind of leaf; columns that are empty are left out."""
    columns = {
        "leaf": [line.path for line in lines],
        "x": [f"{line.count:,}" for line in lines],
        "shape": [_shape(line.shape) for line in lines],
        "because": [line.placement.why for line in lines],
        "seen as": ["; ".join(text for text in line.placement.seen if text not in _DECAY) for line in lines],
        "decay": [", ".join(_DECAY[text] for text in line.placement.seen if text in _DECAY) for line in lines],
        "rate": ["" if line.rates is None else _extent(*line.rates) for line in lines],
    }
    shown = {heading: cells for heading, cells in columns.items() if any(cells)}
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), show_edge=False)
    for heading in shown:
        right = heading in ("x", "shape", "rate")
        table.add_column(heading, justify="right" if right else "left", overflow="fold", no_wrap=right)
    for cells in zip(*shown.values(), strict=True):
        table.add_row(*map(Text, cells))
    return table


def _extent(low: float, high: float) -> str:
    """A factor, or the smallest and the largest."""
    return f"{low:.3g}" if low == high else f"{low:.3g}..{high:.3g}"


def _shape(shape: Iterable[int]) -> str:
    return " ".join(map(str, shape)) or "()"


def _slots(tx: optax.GradientTransformation) -> Any:
    """The slots of each side, and whether what is in them treats all leaves alike."""
    table, above = Table.grid(padding=(0, 2)), ""
    for side, slot, part in _parts(tx, ""):
        alike = "as seen above" if sees_leaves(part) else "all alike"
        text = Text(expression(part, slot), overflow="fold")
        table.add_row(*map(Text, (side if side != above else "", slot, alike)), text)
        above = side
    return table if table.row_count else Text("It is not made of parts, so how it sees leaves cannot be known.")


def _parts(tx: Any, side: str) -> Iterator[tuple[str, str, Any]]:
    """Side, slot and part, for each slot of each side."""
    if isinstance(tx, Route):
        for name, own in tx.slots.items():
            yield from _parts(own, f"{side}/{name}".lstrip("/"))
    elif isinstance(tx, Pipeline):
        yield from ((side, slot, part) for slot, part in tx.slots.items())
    elif side or isinstance(tx, Part):
        yield side, "", tx
