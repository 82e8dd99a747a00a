"""Which parts of a program XLA:CPU makes one kernel of where each array has an expression of its own."""

import collections
import itertools
from collections.abc import Iterable, Sequence, Set

from optax_zoo.fusion.graph import Array, Call, Graph, is_elementwise

OPERANDS = 20  # XLA:CPU merges no kernel that has so many, numbers among them
REDUCED = 4  # calls, the reduction among them: of what takes more XLA:CPU writes a part before it reduces it


def keep_what_does_not_merge(graph: Graph) -> None:
    """Keeps the arrays of a group, so that each is computed once as before, unless its kernels merge to one.

    Arrays are of a group if they are of one call, or of calls that have an array in common; numbers do not count. A
    group merges if its calls are elementwise, or reductions of little more than one array, and no kernel has many
    operands.
    """
    returned = {x: x.call for x in graph.results if not x.kept and x.call is not None}
    computed = [*returned.values(), *(call for call in graph.calls if call.results[0].kept)]
    expressions = {call: call.expression() for call in computed}
    written = {call: frozenset().union(*map(graph.literals, calls)) for call, calls in expressions.items()}
    counts = collections.Counter(itertools.chain.from_iterable(map(written.__getitem__, computed)))
    shared = {literal for literal, count in counts.items() if count > 1}
    groups = _groups(graph.calls)
    apart = [array for call in graph.calls if not _merges(call) for array in _arrays(call)]
    apart += [array for array, call in returned.items() if not _few_operands(expressions[call], shared & written[call])]
    for group in {id(groups[array]): groups[array] for array in apart if array in groups}.values():
        for array in group:
            array.kept = True


def _groups(calls: Iterable[Call]) -> dict[Array, list[Array]]:
    """The group of each array."""
    groups: dict[Array, list[Array]] = {}
    for call in calls:
        parts = {id(part): part for array in _arrays(call) for part in [groups.setdefault(array, [array])]}.values()
        largest = max(parts, key=len, default=[])
        for part in parts:
            if part is not largest:
                largest.extend(part)
                groups.update(dict.fromkeys(part, largest))
    return groups


def _arrays(call: Call) -> list[Array]:
    return [array for array in (*call.operands, *call.results) if not array.is_number]


def _merges(call: Call) -> bool:
    """Whether a call is part of the kernel that it is for, or reads little more than what it is computed from."""
    if not call.reduces:
        return is_elementwise(call.equation) or not _arrays(call)
    expression = call.expression()
    read = {array for each in expression for array in each.operands if array.kept and not array.is_number}
    return len(expression) <= REDUCED and len(read) <= 1


def _few_operands(expression: Sequence[Call], shared: Set[object]) -> bool:
    """Whether the kernel of an expression has few operands, with the parameter that it is added to and a 1.

    Numbers that are written in several expressions are operands of each.
    """
    arrays = {array for each in expression for array in each.operands if array.kept}
    return len(arrays) + len(shared) + 2 < OPERANDS
