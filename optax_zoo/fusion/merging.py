"""Which parts of a program XLA:CPU makes one kernel of where each array has an expression of its own."""

import collections
import itertools
from collections.abc import Callable, Iterable, Sequence, Set

from optax_zoo.fusion.graph import Array, Call, Graph, is_elementwise

OPERANDS = 20  # XLA:CPU merges no kernel that has so many, numbers among them
IN_DOUBT = range(18, 26)  # counts of which it may make others, as it computes numbers again or in advance
REDUCED = 4  # calls, the reduction among them: of what takes more XLA:CPU writes a part before it reduces it


def keep_what_does_not_merge(graph: Graph, merging: Callable[[list[list[Array]]], list[bool | None]]) -> None:
    """Keeps the arrays of a group, so that each is computed once as before, unless its kernels merge to one.

    Arrays are of a group if they are of one call, or of calls that have an array in common; numbers do not count. A
    group merges if its calls are elementwise, or reductions of little more than one array, and no kernel has many
    operands.

    Args:
      graph: the program.
      merging: whether each of the groups does for which that is in doubt; None if nobody knows.
    """
    returned = {x: x.call for x in graph.results if not x.kept and x.call is not None}
    computed = [*returned.values(), *(call for call in graph.calls if call.results[0].kept)]
    expressions = {call: call.expression() for call in computed}
    written = {call: frozenset().union(*map(graph.literals, calls)) for call, calls in expressions.items()}
    counts = collections.Counter(itertools.chain.from_iterable(map(written.__getitem__, computed)))
    shared = {literal for literal, count in counts.items() if count > 1}
    groups = _groups(graph.calls)
    apart = [array for call in graph.calls if not _merges(call) for array in call.arrays()]
    counted = {x: _operands(expressions[call], shared & written[call]) for x, call in returned.items()}
    apart += [array for array, count in counted.items() if count >= OPERANDS and count not in IN_DOUBT]
    _keep(groups, apart)
    doubtful: dict[int, tuple[list[Array], int]] = {}
    for array, count in counted.items():
        if count in IN_DOUBT and not array.kept:
            group, most = doubtful.get(id(groups[array]), (groups[array], 0))
            doubtful[id(group)] = group, max(most, count)
    found = merging([group for group, _ in doubtful.values()])
    for merges, (group, most) in zip(found, doubtful.values(), strict=True):
        _keep(groups, [] if merges or (merges is None and most < OPERANDS) else group[:1])


def _keep(groups: dict[Array, list[Array]], apart: Iterable[Array]) -> None:
    for group in {id(groups[array]): groups[array] for array in apart if array in groups}.values():
        for array in group:
            array.kept = True


def _groups(calls: Iterable[Call]) -> dict[Array, list[Array]]:
    """The group of each array."""
    groups: dict[Array, list[Array]] = {}
    for call in calls:
        parts = {id(part): part for array in call.arrays() for part in [groups.setdefault(array, [array])]}.values()
        largest = max(parts, key=len, default=[])
        for part in parts:
            if part is not largest:
                largest.extend(part)
                groups.update(dict.fromkeys(part, largest))
    return groups


def _merges(call: Call) -> bool:
    """Whether a call is part of the kernel that it is for, or reads little more than what it is computed from."""
    if not call.reduces:
        return is_elementwise(call.equation) or not call.arrays()
    expression = call.expression()
    read = {array for each in expression for array in each.operands if array.kept and not array.is_number}
    return len(expression) <= REDUCED and len(read) <= 1


def _operands(expression: Sequence[Call], shared: Set[object]) -> int:
    """How many operands the kernel of an expression has, with the parameter that it is added to and a 1.

    Numbers that are written in several expressions are operands of each.
    """
    arrays = {array for each in expression for array in each.operands if array.kept}
    return len(arrays) + len(shared) + 2
