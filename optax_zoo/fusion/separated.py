"""Programs that compute each array they write by an expression of its own, from what is in memory.

XLA:CPU with `xla_cpu_use_multi_output_fusion` merges kernels that read the same arrays, but what two of them have in
common it computes in a third one, and writes it. Where nothing is in common there is nothing to write but results.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun

from optax_zoo.fusion.graph import Array, Call, Graph
from optax_zoo.fusion.merging import keep_what_does_not_merge
from optax_zoo.fusion.trial import Trials


def separated(program: ClosedJaxpr, values: Sequence[Any], steps: int = 0) -> list[Any]:
    """The results of a program on values, each result computed by an expression of its own.

    The expressions have different versions of what they would share: arrays are multiplied by a 1 that XLA:CPU does not
    know to be 1, and for each version by another. On other platforms it is known to be, and nothing is different.
    Numbers, reductions and whatever is not element by element are computed once.

    Args:
      program: what to compute.
      values: its arguments.
      steps: how many of its results, from the first, the caller adds to parameters.
    """
    graph = Graph(program, values)
    trials = Trials(graph, steps, lambda part: _Evaluation(part).results())
    keep_what_does_not_merge(graph, trials.merging)
    if all(array.kept for array in graph.results):
        return list(jaxpr_as_fun(program)(*values))
    return _Evaluation(graph).results()


class _Evaluation:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._values: dict[Array, Any] = dict(graph.given)
        self._ones: list[Any] = [np.float32(1)]
        self._functions: dict[Any, Callable[..., list[Any]]] = {}

    def results(self) -> list[Any]:
        for call in self._graph.calls:
            if any(array.kept for array in call.results):
                self._values.update(zip(call.results, self._computed(call), strict=True))
        # States come last: those are computed by expressions that are as they were, if one has to be another.
        return [self._result(array) for array in reversed(self._graph.results)][::-1]

    def _result(self, array: Array) -> Any:
        if array.kept or array.call is None:
            return self._values[array]
        return self._computed(array.call)[array.call.results.index(array)]

    def _computed(self, call: Call) -> list[Any]:
        """The results of a call, by an expression of which no other has a part."""
        calls = call.expression()
        taken = set().union(*(each.versions for each in calls))
        version = next(number for number in range(len(taken) + 1) if number not in taken)
        for each in calls:
            each.versions.add(version)
        if len(calls) == 1 and not version:
            return self._graph.function(call)(*map(self._values.__getitem__, call.operands))
        sources = list(dict.fromkeys(array for each in calls for array in each.operands if array.kept))
        return self._function(calls, sources, bool(version))(
            self._one(version), *map(self._values.__getitem__, sources)
        )

    def _function(self, calls: list[Call], sources: list[Array], other: bool) -> Callable[..., list[Any]]:
        """An expression as a jitted function, which is traced and lowered once for all leaves of a shape."""
        places = {array: number for number, array in enumerate(sources)}
        for each in calls:
            places |= {array: len(places) + number for number, array in enumerate(each.results)}
        key = other, *((self._graph.key(each), *(places[array] for array in each.operands)) for each in calls)

        if key not in self._functions:
            self._functions[key] = jax.jit(self._expression(calls, places, other))
        return self._functions[key]

    def _expression(self, calls: list[Call], places: dict[Array, int], other: bool) -> Callable[..., list[Any]]:
        def expression(one: Any, *values: Any) -> list[Any]:
            known = [_times(x, one) if other else x for x in values]
            for each in calls:
                known += self._graph.function(each)(*(known[places[array]] for array in each.operands))
            return known[-len(calls[-1].results) :]

        return expression

    def _one(self, version: int) -> Any:
        """The 1 of a version."""
        while len(self._ones) <= version:
            last = self._ones[-1]
            unknown = jax.lax.platform_dependent(last, cpu=jax.lax.optimization_barrier, default=jnp.ones_like)
            self._ones.append(unknown)
        return self._ones[version]


def _times(x: Any, one: Any) -> Any:
    shared = not jnp.ndim(x) or not jnp.issubdtype(x.dtype, jnp.floating)
    return x if shared else x * one.astype(x.dtype)
