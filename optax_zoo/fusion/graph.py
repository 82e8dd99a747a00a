"""A traced program as a graph of calls on arrays, in which calls of jitted functions are followed."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, jaxpr_as_fun

# Element by element, or of the same elements: XLA computes these inside the kernels that use them.
ELEMENTWISE = {
    *("add", "add_any", "sub", "mul", "div", "rem", "neg", "abs", "sign", "max", "min", "clamp", "square", "sqrt"),
    *("rsqrt", "cbrt", "pow", "integer_pow", "exp", "exp2", "expm1", "log", "log1p", "logistic", "tanh", "erf", "erfc"),
    *("erf_inv", "sin", "cos", "tan", "sinh", "cosh", "asin", "acos", "atan", "atan2", "floor", "ceil", "round"),
    *("nextafter", "is_finite", "eq", "ne", "lt", "le", "gt", "ge", "and", "or", "not", "xor", "select_n"),
    *("convert_element_type", "reduce_precision", "real", "imag", "complex", "conj", "copy", "stop_gradient"),
    *("broadcast_in_dim", "squeeze", "expand_dims", "reshape"),
}
REDUCTIONS = {"reduce", *(f"reduce_{kind}" for kind in ("sum", "max", "min", "prod", "and", "or")), "argmax", "argmin"}
JITTED = {"jit", "pjit"}
BARRIER = "optimization_barrier"
CALLED = {"custom_jvp_call", "custom_vjp_call", "custom_vmap_call"}


@dataclasses.dataclass(eq=False)
class Array:
    """An array of a program.

    Attributes:
      aval: its shape and dtype.
      call: what it is the result of; None for what is given.
      kept: whether it is computed once and then read, not computed again by each expression that it is part of.
    """

    aval: Any
    call: "Call | None"
    kept: bool

    @property
    def is_number(self) -> bool:
        return not getattr(self.aval, "shape", ())


@dataclasses.dataclass(eq=False)
class Call:
    """A call of a primitive.

    Attributes:
      equation: of the program.
      operands: the arrays that it takes; its literals are in the equation.
      results: the arrays that it returns.
      number: the place in the program.
      versions: of those expressions that it is part of.
    """

    equation: JaxprEqn
    operands: list[Array]
    results: list[Array]
    number: int
    versions: set[int]

    @property
    def reduces(self) -> bool:
        return self.equation.primitive.name in REDUCTIONS

    def arrays(self) -> list[Array]:
        """What it takes and returns, but for numbers."""
        return [array for array in (*self.operands, *self.results) if not array.is_number]

    def expression(self) -> "list[Call]":
        """It and the calls that make its operands, down to arrays that are kept, in their order."""
        found, waiting = {self}, [self]
        while waiting:
            for array in waiting.pop().operands:
                if not array.kept and array.call is not None and array.call not in found:
                    found.add(array.call)
                    waiting.append(array.call)
        return sorted(found, key=lambda call: call.number)


class Graph:
    """The calls of a program.

    Attributes:
      calls: in their order.
      inputs: its arguments.
      given: the arrays that it is given, those among them, with their values.
      results: the arrays that it returns, or values.
    """

    def __init__(self, program: ClosedJaxpr, values: Sequence[Any]) -> None:
        self.calls: list[Call] = []
        self.given: dict[Array, Any] = {}
        self._debug_info = program.jaxpr.debug_info._replace(arg_names=None, result_paths=None)
        self._functions: dict[int, Callable[..., list[Any]]] = {}
        self._keys: dict[int, Any] = {}
        self._literals: dict[int, frozenset[Any]] = {}
        self._known: dict[Any, Call] = {}
        self.inputs = [self._given(variable.aval, x) for variable, x in zip(program.jaxpr.invars, values, strict=True)]
        self.results = self._follow(program, self.inputs)

    def function(self, call: Call) -> Callable[..., list[Any]]:
        """What a call does with the values of its operands."""
        equation = call.equation
        if equation.primitive.name == BARRIER:
            return (lambda x: [jax.lax.optimization_barrier(x)]) if call.results[0].kept else (lambda x: [x])
        if id(equation) not in self._functions:
            taken = variables(equation)
            alone = Jaxpr((), taken, equation.outvars, [equation], debug_info=self._debug_info)
            self._functions[id(equation)] = jaxpr_as_fun(ClosedJaxpr(alone, ()))
        return self._functions[id(equation)]

    def key(self, call: Call) -> Any:
        """What is equal for calls that do the same with their operands."""
        equation = call.equation
        if id(equation) not in self._keys:
            self._keys[id(equation)] = _key(equation)
        return self._keys[id(equation)]

    def literals(self, call: Call) -> frozenset[Any]:
        """The numbers that are written in a call; leaves of a shape have the equation of it in common."""
        equation = call.equation
        if id(equation) not in self._literals:
            written = (x for x in equation.invars if isinstance(x, Literal))
            self._literals[id(equation)] = frozenset((repr(x.val), x.aval) for x in written)
        return self._literals[id(equation)]

    def _given(self, aval: Any, value: Any) -> Array:
        array = Array(aval, None, kept=True)
        self.given[array] = value
        return array

    def _follow(self, program: ClosedJaxpr, arguments: Sequence[Any]) -> list[Any]:
        """The results of a function."""
        jaxpr = program.jaxpr
        constants = [self._given(v.aval, x) for v, x in zip(jaxpr.constvars, program.consts, strict=True)]
        known = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*constants, *arguments], strict=True))
        for equation in jaxpr.eqns:
            inner = equation.params["jaxpr"] if equation.primitive.name in JITTED else None
            if equation.primitive.name == BARRIER:  # what keeps expressions apart in a program is not needed here
                taken = [self._read(atom, known) for atom in equation.invars]
                results: Sequence[Any] = [
                    self._add(Call(equation, [x], [], len(self.calls), set()), [v])[0]
                    for x, v in zip(taken, equation.outvars, strict=True)
                ]
            elif inner is None:
                results = self._called(equation, [known[v] for v in variables(equation)])
            else:
                results = self._follow(inner, [self._read(atom, known) for atom in equation.invars])
            known.update(zip(equation.outvars, results, strict=True))
        return [self._read(atom, known) for atom in jaxpr.outvars]

    def _read(self, atom: Any, known: Mapping[Any, Array]) -> Array:
        return self._given(atom.aval, atom.val) if isinstance(atom, Literal) else known[atom]

    def _called(self, equation: JaxprEqn, operands: list[Array]) -> list[Array]:
        call = Call(equation, operands, [], len(self.calls), set())
        fused = is_elementwise(equation)
        if fused or call.reduces:  # what is written twice is computed once: XLA finds that too
            known = self._known.setdefault((self.key(call), *map(id, operands)), call)
            if known is not call:
                return known.results
        return self._add(call, equation.outvars)

    def _add(self, call: Call, outvars: Sequence[Any]) -> list[Array]:
        fused = is_elementwise(call.equation)
        call.results += [Array(v.aval, call, kept=not fused or not getattr(v.aval, "shape", ())) for v in outvars]
        self.calls += [call] if call.results else []
        return call.results


def variables(equation: JaxprEqn) -> list[Any]:
    return list(dict.fromkeys(atom for atom in equation.invars if not isinstance(atom, Literal)))


def _key(equation: JaxprEqn) -> Any:
    if any(isinstance(x, Jaxpr | ClosedJaxpr) or callable(x) for x in equation.params.values()):
        return id(equation)
    taken = variables(equation)
    atoms = (repr(x.val) if isinstance(x, Literal) else taken.index(x) for x in equation.invars)
    avals = (x.aval for x in (*equation.invars, *equation.outvars))
    return equation.primitive, repr(equation.params), *atoms, *avals


def is_elementwise(equation: JaxprEqn) -> bool:
    name = equation.primitive.name
    if name not in CALLED | JITTED:
        return name in ELEMENTWISE or name == BARRIER
    inner = [program for key in ("jaxpr", "call_jaxpr", "call") if (program := equation.params.get(key)) is not None]
    return bool(inner) and all(map(is_elementwise, inner[0].eqns))
