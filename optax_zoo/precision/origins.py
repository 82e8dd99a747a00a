"""Which arrays of a state hold parameters."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax.extend.core import Jaxpr, Literal

CALLS = {"pjit", "jit", "closed_call", "core_call", "remat", "checkpoint"}


def of_values(function: Callable[[Any], Any], *args: Any) -> list[bool]:
    """For each leaf that a function returns, whether it is made from the values of arrays, not from shapes alone."""
    jaxpr = jax.make_jaxpr(function)(*args).jaxpr
    return _reached(jaxpr, [True] * len(jaxpr.invars))


def _reached(jaxpr: Jaxpr, given: Sequence[bool]) -> list[bool]:
    """Which outputs depend on the inputs that are given, as far as the names of primitives tell."""
    found = dict(zip(jaxpr.invars, given, strict=True))

    def known(x: Any) -> bool:
        return not isinstance(x, Literal) and found.get(x, False)

    for equation in jaxpr.eqns:
        operands = [known(x) for x in equation.invars]
        inner = equation.params.get("jaxpr") if equation.primitive.name in CALLS else None
        if inner is None:
            reached = [any(operands)] * len(equation.outvars)
        else:
            reached = _reached(getattr(inner, "jaxpr", inner), operands)
        found.update(zip(equation.outvars, reached, strict=True))
    return [known(x) for x in jaxpr.outvars]
