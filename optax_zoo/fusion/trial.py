"""Asks XLA what it makes of a part of a program: one kernel with an expression for each array, or several."""

import collections
import copy
from collections.abc import Callable, Sequence
from typing import Any

import jax

from optax_zoo.fusion.graph import Array, Call, Graph

Group = list[Array]
ENOUGH = 0.98  # an array that is accessed once less is more than a fiftieth; numbers are less


class Trials:
    """Compiles parts of a program.

    Args:
      graph: the program.
      steps: how many of its first results are added to parameters by who called it.
      evaluate: the results of a part, each by an expression of its own where its arrays are not kept.
    """

    def __init__(self, graph: Graph, steps: int, evaluate: Callable[[Graph], list[Any]]) -> None:
        self._graph, self._steps, self._evaluate = graph, steps, evaluate
        self._of_numbers: set[Call] = set()  # alone: none of them is a sum over an array
        for call in graph.calls:
            if not call.arrays() and all(x.call is None or x.call in self._of_numbers for x in call.operands):
                self._of_numbers.add(call)

    def merging(self, groups: Sequence[Group]) -> list[bool | None]:
        """Whether a step costs less if no array of a group is kept; None under a mesh, where XLA is not asked.

        Of groups that differ in shapes alone two are compiled: numbers that leaves have in common are operands.
        """
        if any(not array.aval.sharding.mesh.empty for group in groups for array in group):
            return [None for _ in groups]
        alike: dict[Any, list[Group]] = {}
        keys = [_structure(self._part([group])) for group in groups]
        for key, group in zip(keys, groups, strict=True):
            alike.setdefault(key, []).append(group)
        found = {key: self._costs_less(alike[key]) for key in alike}
        return [found[key] for key in keys]

    def _part(self, groups: Sequence[Group]) -> Graph:
        """What the results in groups are computed by, from the last call on.

        Numbers that are computed from arrays are given, so that sums over all leaves do not tell one from another.
        """
        members = set().union(*groups)
        part = copy.copy(self._graph)
        part.results = [array for array in self._graph.results if array in members]
        part.given = {}
        calls: dict[Call, None] = {}
        waiting = collections.deque(part.results)
        while waiting:
            array = waiting.popleft()
            call = array.call
            if call in self._of_numbers or (call is not None and call.arrays() and members.issuperset(call.arrays())):
                waiting += call.operands if call not in calls else []
                calls[call] = None
            else:
                part.given[array] = self._graph.given.get(array)
        part.calls = list(calls)
        return part

    def _costs_less(self, groups: Sequence[Group]) -> bool:
        part = self._part(groups[:2])
        part.calls.sort(key=lambda call: call.number)
        apart = self.cost(part)
        before = {array: array.kept for group in groups[:2] for array in group}
        for array in before:
            array.kept = True
        together = self.cost(part)
        for array, kept in before.items():
            array.kept = kept
        return apart < ENOUGH * together

    def cost(self, part: Graph) -> float:
        """The bytes that a compiled part accesses and those that it keeps, with parameters and states donated."""
        steps = set(self._graph.results[: self._steps])
        moved = [x for x in part.results if x in steps]
        others = [x for x in part.results if x not in steps]
        constants = {x: value for x, value in part.given.items() if not _is_traced(value)}
        donated = [x for x in self._states(others) if x in part.given and x not in constants]
        given = [x for x in part.given if x not in constants and x not in donated]

        def step(params: list[Any], states: list[Any], values: list[Any]) -> list[Any]:
            traced = copy.copy(part)
            traced.given = {**constants, **dict(zip([*donated, *given], [*states, *values], strict=True))}
            made = dict(zip(part.results, self._evaluate(traced), strict=True))
            return [*(p + made[x] for p, x in zip(params, moved, strict=True)), *map(made.__getitem__, others)]

        shapes = [[jax.ShapeDtypeStruct(x.aval.shape, x.aval.dtype) for x in each] for each in (moved, donated, given)]
        compiled = jax.jit(step, donate_argnums=(0, 1)).lower(*shapes).compile()
        for call in part.calls:
            call.versions.clear()
        costs: Any = compiled.cost_analysis()
        memory: Any = compiled.memory_analysis()
        return float(costs["bytes accessed"]) + memory.temp_size_in_bytes

    def _states(self, results: Sequence[Array]) -> list[Array]:
        """The old states in the places of new ones, by the order of arguments and results: gradients, then states."""
        pairs = zip(self._graph.inputs, self._graph.results, strict=False)
        return [
            old for old, new in pairs if new in results and old.aval.strip_weak_type() == new.aval.strip_weak_type()
        ]


def _is_traced(value: Any) -> bool:
    return value is None or isinstance(value, jax.core.Tracer)


def _structure(part: Graph) -> Any:
    """What is equal for parts that differ in shapes alone."""
    places = {array: number for number, array in enumerate(part.given)}
    for call in part.calls:
        places |= {array: len(places) + number for number, array in enumerate(call.results)}
    calls = (
        (call.equation.primitive.name, part.literals(call), *(places[array] for array in call.operands))
        for call in part.calls
    )
    return *calls, *(places[array] for array in part.results)
