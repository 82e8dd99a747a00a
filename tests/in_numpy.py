"""Traced functions evaluated by NumPy: XLA compiles each operation of each shape, which takes most of the time."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal

ELEMENTWISE: dict[str, Callable[..., Any]] = {
    "abs": np.abs,
    "add": np.add,
    "add_any": np.add,
    "and": np.bitwise_and,
    "cbrt": np.cbrt,
    "clamp": lambda low, x, high: np.minimum(np.maximum(x, low), high),
    "cos": np.cos,
    "eq": np.equal,
    "exp": np.exp,
    "expm1": np.expm1,
    "ge": np.greater_equal,
    "gt": np.greater,
    "is_finite": np.isfinite,
    "le": np.less_equal,
    "log": np.log,
    "log1p": np.log1p,
    "logistic": lambda x: 1 / (1 + np.exp(-x)),
    "lt": np.less,
    "max": np.maximum,
    "min": np.minimum,
    "mul": np.multiply,
    "ne": np.not_equal,
    "neg": np.negative,
    "not": np.invert,
    "or": np.bitwise_or,
    "sign": np.sign,
    "sin": np.sin,
    "sqrt": np.sqrt,
    "square": np.square,
    "sub": np.subtract,
    "tanh": np.tanh,
}
UNCHANGED = ("copy", "copy_p", "optimization_barrier", "stop_gradient")
INNER = {
    "jit": "jaxpr",
    "pjit": "jaxpr",
    "custom_jvp_call": "call_jaxpr",
    "custom_vmap_call": "call",
    "closed_call": "call_jaxpr",
}


def in_numpy(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, traced once for each kind of arguments; operations that NumPy has not are JAX's, one by one."""
    traced: dict[Any, tuple[ClosedJaxpr, Any]] = {}

    def call(*args: Any, **options: Any) -> Any:
        leaves, treedef = jax.tree.flatten((args, options))
        kind = treedef, tuple(map(jax.typeof, leaves))
        if kind not in traced:
            closed, shapes = jax.make_jaxpr(function, return_shape=True)(*args, **options)
            traced[kind] = closed, jax.tree.structure(shapes)
        closed, out_tree = traced[kind]
        with np.errstate(all="ignore"):
            return jax.tree.unflatten(out_tree, _closed(closed, map(_given, leaves)))

    return call


def _closed(closed: ClosedJaxpr, args: Iterable[Any]) -> list[Any]:
    return _evaluated(closed.jaxpr, list(map(_given, closed.consts)), list(args))


def _evaluated(jaxpr: Jaxpr, consts: Sequence[Any], args: Sequence[Any]) -> list[Any]:
    values = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *args], strict=True))

    def read(variable: Any) -> Any:
        if isinstance(variable, Literal):
            return np.asarray(variable.val, variable.aval.dtype)
        return values[variable]

    for eqn in jaxpr.eqns:
        values.update(zip(eqn.outvars, _results(eqn, list(map(read, eqn.invars))), strict=True))
    return list(map(read, jaxpr.outvars))


def _results(eqn: JaxprEqn, args: list[Any]) -> Sequence[Any]:
    name, params = eqn.primitive.name, eqn.params
    if name in UNCHANGED:
        return args
    if name in INNER:
        return _closed(params[INNER[name]], args)
    if name in LOOPS and (name != "scan" or "num_consts" in params):  # whose parameters are others since jax 0.12
        return LOOPS[name](args, **params)
    if all(_is_numpys(variable.aval) for variable in (*eqn.invars, *eqn.outvars)):
        if name in ELEMENTWISE:
            return [ELEMENTWISE[name](*args)]
        if name in OF_ARRAYS and (found := OF_ARRAYS[name](*args, **params)) is not NotImplemented:
            return [found]
    found = eqn.primitive.bind(*args, **params)
    return list(map(_given, found if eqn.primitive.multiple_results else [found]))


def _is_numpys(aval: Any) -> bool:
    """Not the short floats, whose products XLA rounds in a way of its own, nor keys."""
    dtype = aval.dtype
    return isinstance(dtype, np.dtype) and dtype.kind in "biufc" and (dtype.kind != "f" or dtype.itemsize > 2)


def _given(x: Any) -> Any:
    return x if jax.dtypes.issubdtype(jax.typeof(x).dtype, jax.dtypes.prng_key) else np.asarray(x, jax.typeof(x).dtype)


def _cond(args: list[Any], branches: Sequence[ClosedJaxpr], **_: Any) -> list[Any]:
    return _closed(branches[min(max(int(args[0]), 0), len(branches) - 1)], args[1:])


def _while(
    args: list[Any], cond_jaxpr: ClosedJaxpr, body_jaxpr: ClosedJaxpr, cond_nconsts: int, body_nconsts: int, **_: Any
) -> list[Any]:
    of_cond, args = args[:cond_nconsts], args[cond_nconsts:]
    of_body, carry = args[:body_nconsts], args[body_nconsts:]
    while _closed(cond_jaxpr, [*of_cond, *carry])[0]:
        carry = _closed(body_jaxpr, [*of_body, *carry])
    return carry


def _scan(
    args: list[Any], jaxpr: ClosedJaxpr, length: int, reverse: bool, num_consts: int, num_carry: int, **_: Any
) -> list[Any]:
    consts, carry, xs = args[:num_consts], args[num_consts : num_consts + num_carry], args[num_consts + num_carry :]
    rows: list[list[Any]] = []
    for number in reversed(range(length)) if reverse else range(length):
        found = _closed(jaxpr, [*consts, *carry, *(x[number] for x in xs)])
        carry = found[:num_carry]
        rows.append(found[num_carry:])
    kinds = [variable.aval for variable in jaxpr.jaxpr.outvars[num_carry:]]
    columns = zip(*(rows[::-1] if reverse else rows), strict=True) if rows else [()] * len(kinds)
    stacked = [
        np.stack(column) if column else np.zeros((0, *kind.shape), kind.dtype)
        for column, kind in zip(columns, kinds, strict=True)
    ]
    return [*carry, *stacked]


LOOPS: dict[str, Callable[..., list[Any]]] = {"cond": _cond, "while": _while, "scan": _scan}


def _broadcast(x: Any, *, shape: Sequence[int], broadcast_dimensions: Sequence[int], **_: Any) -> Any:
    of_length_one = [1] * len(shape)
    for axis, own in zip(broadcast_dimensions, np.shape(x), strict=True):
        of_length_one[axis] = own
    return np.broadcast_to(np.reshape(x, of_length_one), shape)


def _dot(x: Any, y: Any, *, dimension_numbers: Any, preferred_element_type: Any, **_: Any) -> Any:
    if preferred_element_type not in (None, x.dtype) or x.dtype != y.dtype:
        return NotImplemented
    (summed_x, summed_y), (batch_x, batch_y) = dimension_numbers
    rest_x = [axis for axis in range(x.ndim) if axis not in (*summed_x, *batch_x)]
    rest_y = [axis for axis in range(y.ndim) if axis not in (*summed_y, *batch_y)]
    layers = [x.shape[axis] for axis in batch_x]
    summed = math.prod(x.shape[axis] for axis in summed_x)
    left = x.transpose(*batch_x, *rest_x, *summed_x).reshape(*layers, -1 if x.size else 0, summed)
    right = y.transpose(*batch_y, *summed_y, *rest_y).reshape(*layers, summed, -1 if y.size else 0)
    if not (x.size and y.size):
        return NotImplemented
    return (left @ right).reshape((*layers, *(x.shape[a] for a in rest_x), *(y.shape[a] for a in rest_y)))


def _divide(x: Any, y: Any, **_: Any) -> Any:
    return np.divide(x, y) if x.dtype.kind in "fc" else NotImplemented


def _power(x: Any, y: Any, **_: Any) -> Any:
    return np.power(x, y) if x.dtype == y.dtype and x.dtype.kind == "f" else NotImplemented


def _select(which: Any, *cases: Any, **_: Any) -> Any:
    return np.where(which, cases[1], cases[0]) if which.dtype == bool and len(cases) == 2 else NotImplemented


def _bits(x: Any, *, new_dtype: Any, **_: Any) -> Any:
    return np.asarray(x).view(new_dtype) if x.dtype.itemsize == np.dtype(new_dtype).itemsize else NotImplemented


def _converted(x: Any, *, new_dtype: Any, **_: Any) -> Any:
    return NotImplemented if x.dtype.kind in "fc" and np.dtype(new_dtype).kind in "iu" else x.astype(new_dtype)


def _reduced(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, *, axes, **_: function(x, axis=tuple(axes)) if np.size(x) else NotImplemented


OF_ARRAYS: dict[str, Callable[..., Any]] = {
    "bitcast_convert_type": _bits,
    "broadcast_in_dim": _broadcast,
    "concatenate": lambda *parts, dimension: np.concatenate(parts, dimension),
    "convert_element_type": _converted,
    "div": _divide,
    "dot_general": _dot,
    "integer_pow": lambda x, *, y: np.power(x, y) if x.dtype.kind == "f" else NotImplemented,
    "pow": _power,
    "reduce_and": _reduced(np.all),
    "reduce_max": _reduced(np.max),
    "reduce_min": _reduced(np.min),
    "reduce_or": _reduced(np.any),
    "reduce_sum": _reduced(lambda x, axis: np.sum(x, axis=axis, dtype=x.dtype)),
    "reshape": lambda x, *, new_sizes, **_: np.reshape(x, new_sizes),
    "rev": lambda x, *, dimensions: np.flip(x, dimensions),
    "select_n": _select,
    "slice": lambda x, *, start_indices, limit_indices, strides: x[
        tuple(map(slice, start_indices, limit_indices, strides or [1] * len(start_indices)))
    ],
    "squeeze": lambda x, *, dimensions: np.squeeze(x, tuple(dimensions)),
    "transpose": lambda x, *, permutation: np.transpose(x, permutation),
}
