"""The arithmetic of a step: products, LAPACK's factorizations and all else, with loops as often as they run.

XLA's own count (`compiled.cost_analysis()["flops"]`) takes the body of a loop once, and calls of LAPACK not at all.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal

from optax_zoo.cost.step.floor import CALLS

# One for each element of the result.
ARITHMETIC = {
    *("add", "add_any", "sub", "mul", "div", "rem", "neg", "abs", "sign", "max", "min", "clamp", "square", "sqrt"),
    *("rsqrt", "cbrt", "pow", "integer_pow", "exp", "exp2", "expm1", "log", "log1p", "logistic", "tanh", "erf", "erfc"),
    *("erf_inv", "sin", "cos", "tan", "sinh", "cosh", "asin", "acos", "atan", "atan2", "floor", "ceil", "round"),
    *("nextafter", "lgamma", "digamma"),
}
# One for each element of the operand.
REDUCTIONS = {"reduce_sum", "reduce_max", "reduce_min", "reduce_prod", "cumsum", "cumprod", "cummax", "cummin"}


@dataclasses.dataclass(frozen=True)
class Flops:
    """Floating-point operations; those of complex numbers count as those of real ones, in products as four.

    Attributes:
      least: with the cheapest branch of each condition: of a step that renews nothing, where preconditioners are.
      most: with the dearest branch.
      open_loops: loops whose number of runs depends on values, and that count as if they ran once.
    """

    least: int = 0
    most: int = 0
    open_loops: int = 0

    def __add__(self, other: "Flops") -> "Flops":
        return Flops(self.least + other.least, self.most + other.most, self.open_loops + other.open_loops)

    def times(self, runs: int) -> "Flops":
        """Of so many runs."""
        return Flops(runs * self.least, runs * self.most, self.open_loops)


def flops_of(jaxpr: ClosedJaxpr) -> Flops:
    """The floating-point operations of a function of arrays, as `jax.make_jaxpr` returns it, with textbook counts.

    A product of matrices (m, k) and (k, n) has 2 m k n, and for m x n, m at least n, a Cholesky factorization n^3 / 3,
    LU m n^2 - n^3 / 3, QR with its orthonormal factor 4 m n^2 - 4 n^3 / 3, eigenvalues and -vectors of a symmetric
    matrix 9 n^3, singular values and vectors 6 m n^2 + 20 n^3 and without vectors 4 m n^2 - 4 n^3 / 3, and the solution
    of a triangular system n^2 for each right-hand side (Golub and Van Loan: Matrix Computations). An elementwise
    function has one for each element. What no output depends on is left out.
    """
    return _of_function(jaxpr.jaxpr, [True] * len(jaxpr.jaxpr.outvars))


def _of_function(jaxpr: Jaxpr, used: Sequence[bool]) -> Flops:
    """Of a function some of whose outputs are used."""
    needed = {x for x, is_used in zip(jaxpr.outvars, used, strict=True) if is_used and not isinstance(x, Literal)}
    total = Flops()
    for equation in reversed(jaxpr.eqns):
        of_outputs = [x in needed for x in equation.outvars]
        if any(of_outputs) or equation.effects:
            needed |= {x for x in equation.invars if not isinstance(x, Literal)}
            total += _of_equation(equation, of_outputs)
    return total


def _of_equation(equation: JaxprEqn, used: Sequence[bool]) -> Flops:
    name, params = equation.primitive.name, equation.params
    if name == "scan":
        return _of_whole(params["jaxpr"]).times(params["length"])
    if name == "while":
        once = _of_whole(params["cond_jaxpr"]) + _of_whole(params["body_jaxpr"])
        return once + Flops(open_loops=1) if once.most else once
    if name == "cond":
        branches = [_of_function(branch.jaxpr, used) for branch in params["branches"]]
        least, most = min(each.least for each in branches), max(each.most for each in branches)
        return Flops(least, most, max(each.open_loops for each in branches))
    if name == "custom_linear_solve":
        return _of_whole(params["jaxprs"].solve)
    inner = next((params[key] for key in CALLS if params.get(key) is not None), None)
    if inner is not None:
        return _of_function(inner.jaxpr if isinstance(inner, ClosedJaxpr) else inner, used)
    count = _count(name, params, [x.aval for x in equation.invars], [x.aval for x in equation.outvars])
    return Flops(count, count)


def _of_whole(jaxpr: ClosedJaxpr) -> Flops:
    return _of_function(jaxpr.jaxpr, [True] * len(jaxpr.jaxpr.outvars))


def _count(name: str, params: Mapping[str, Any], operands: Sequence[Any], results: Sequence[Any]) -> int:
    """Of a primitive without functions inside."""
    if not jnp.issubdtype(getattr(results[0], "dtype", jnp.int32), jnp.inexact):
        return 0
    complex_ = 4 if jnp.issubdtype(results[0].dtype, jnp.complexfloating) else 1
    if name in PRODUCTS:
        return complex_ * PRODUCTS[name](params, operands, results)
    if name in FACTORIZATIONS:
        *layers, m, n = operands[0].shape
        return complex_ * math.prod(layers) * round(FACTORIZATIONS[name](max(m, n), min(m, n), params))
    if name in ARITHMETIC:
        return math.prod(results[0].shape)
    return math.prod(operands[0].shape) if name in REDUCTIONS else 0


def _dot(params: Mapping[str, Any], operands: Sequence[Any], results: Sequence[Any]) -> int:
    (contracted, _), _ = params["dimension_numbers"]
    return 2 * math.prod(results[0].shape) * math.prod(operands[0].shape[axis] for axis in contracted)


def _convolution(params: Mapping[str, Any], operands: Sequence[Any], results: Sequence[Any]) -> int:
    kernel = operands[1].shape
    outputs = kernel[params["dimension_numbers"].rhs_spec[0]]
    return 2 * math.prod(results[0].shape) * math.prod(kernel) // max(outputs, 1)


def _triangular(params: Mapping[str, Any], operands: Sequence[Any], results: Sequence[Any]) -> int:
    return math.prod(results[0].shape) * operands[0].shape[-1]


PRODUCTS: Mapping[str, Callable[..., int]] = {
    "dot_general": _dot,
    "conv_general_dilated": _convolution,
    "triangular_solve": _triangular,
}
# Of matrices m x n, m at least n.
FACTORIZATIONS: Mapping[str, Callable[[int, int, Mapping[str, Any]], float]] = {
    "cholesky": lambda m, n, params: n**3 / 3,
    "lu": lambda m, n, params: m * n**2 - n**3 / 3,
    "qr": lambda m, n, params: 4 * m * n**2 - 4 * n**3 / 3,
    "geqrf": lambda m, n, params: 2 * m * n**2 - 2 * n**3 / 3,
    "householder_product": lambda m, n, params: 2 * m * n**2 - 2 * n**3 / 3,
    "eigh": lambda m, n, params: 9 * n**3,
    "svd": lambda m, n, params: (
        6 * m * n**2 + 20 * n**3 if params.get("compute_uv", True) else 4 * m * n**2 - 4 * n**3 / 3
    ),
    "eig": lambda m, n, params: 25 * n**3,
    "schur": lambda m, n, params: 25 * n**3,
}
