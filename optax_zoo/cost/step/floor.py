"""The fewest bytes that a step can access: at all, and with kernels that write one array each, as XLA:CPU's do."""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var

CALLS = ("jaxpr", "call_jaxpr", "call")  # the last of custom_vmap
# Stored when they are computed; everything else is fused into what uses it.
REDUCTIONS = {"reduce", *(f"reduce_{kind}" for kind in ("sum", "max", "min", "prod", "and", "or")), "argmax", "argmin"}
PRODUCTS = {"dot_general", "conv_general_dilated", "fft"}
ORDERED = {"sort", "top_k", "cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp"}
STORED = REDUCTIONS | PRODUCTS | ORDERED | {"scan", "while", "cond", "gather", "scatter", "scatter-add"}


@dataclasses.dataclass(eq=False)
class Array:
    """An array of a step.

    Attributes:
      bytes: its size.
      operands: the arrays that it is computed from.
      stored: whether it is in memory: an input, an output, or what XLA does not fuse into its user.
    """

    bytes: int
    operands: Sequence["Array"] = ()
    stored: bool = False


def kernel_floor(jaxpr: ClosedJaxpr) -> int:
    """The fewest bytes that a step can access, if each kernel writes one array.

    That is, for each array that is stored, its own bytes and those of the stored arrays that it is computed from.
    Outputs are stored, and so are the results of reductions; everything else is fused. What is written twice counts
    once; otherwise expressions are taken as written.

    Args:
      jaxpr: of a function of arrays, as `jax.make_jaxpr` returns it.
    """
    inputs = [Array(_size(x), stored=True) for x in jaxpr.jaxpr.invars]
    constants = [Array(_size(x), stored=True) for x in jaxpr.jaxpr.constvars]
    outputs = Tracer().outputs(jaxpr.jaxpr, [*constants, *inputs])
    given = {*constants, *inputs}
    for array in outputs:
        array.stored = True
    return sum(array.bytes + sum(x.bytes for x in _reads(array)) for array in _written(outputs, given))


def _written(outputs: Iterable[Array], given: set[Array]) -> set[Array]:
    """The outputs and the stored arrays that they are computed from, without the inputs."""
    found: set[Array] = set()
    waiting = [array for array in outputs if array not in given]
    while waiting:
        array = waiting.pop()
        if array not in found:
            found.add(array)
            waiting += [each for each in _reads(array) if each not in given]
    return found


def _reads(array: Array) -> set[Array]:
    """The stored arrays that one is computed from."""
    found: set[Array] = set()
    seen: set[Array] = set()
    waiting = list(array.operands)
    while waiting:
        each = waiting.pop()
        if each.stored:
            found.add(each)
        elif each not in seen:
            seen.add(each)
            waiting += each.operands
    return found


class Tracer:
    """Follows functions and the calls within them. What is written twice is one array: XLA finds that too."""

    def __init__(self) -> None:
        self._known: dict[Any, list[Array]] = {}

    def outputs(self, jaxpr: Jaxpr, given: Sequence[Array]) -> list[Array]:
        """The outputs of a function whose constants and arguments are given."""
        arrays: dict[Var, Array] = dict(zip([*jaxpr.constvars, *jaxpr.invars], given, strict=True))
        for equation in jaxpr.eqns:
            operands = [self._literal(x) if isinstance(x, Literal) else arrays[x] for x in equation.invars]
            arrays.update(zip(equation.outvars, self._results(equation, operands), strict=True))
        return [self._literal(x) if isinstance(x, Literal) else arrays[x] for x in jaxpr.outvars]

    def _results(self, equation: JaxprEqn, operands: Sequence[Array]) -> list[Array]:
        name = equation.primitive.name
        stored = name in STORED
        inner = None if stored else _called(equation.params)
        if inner is not None:
            constants = [Array(_size(x)) for x in inner.jaxpr.constvars]
            return self.outputs(inner.jaxpr, [*constants, *operands])
        key = name, repr(equation.params), tuple(map(id, operands))
        if key not in self._known:
            self._known[key] = [Array(_size(x), operands, stored) for x in equation.outvars]
        return self._known[key]

    def _literal(self, x: Literal) -> Array:
        return self._known.setdefault(("literal", repr(x.val), str(x.aval)), [Array(0)])[0]


def _called(parameters: Mapping[str, Any]) -> ClosedJaxpr | None:
    for name in CALLS:
        found = parameters.get(name)
        if found is not None:
            return found if isinstance(found, ClosedJaxpr) else ClosedJaxpr(found, ())
    return None


def _size(x: Any) -> int:
    shape = getattr(x.aval, "shape", ())
    dtype = getattr(x.aval, "dtype", None)
    if dtype is None or jax.dtypes.issubdtype(dtype, jax.dtypes.extended):
        return 0  # a token, or a key: a few bytes
    return math.prod(shape) * dtype.itemsize
