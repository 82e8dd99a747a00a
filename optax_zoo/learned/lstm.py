"""The coordinatewise LSTM as a plain optax transformation."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from optax_zoo import _checks
from optax_zoo.learned.weights import load_weights
from optax_zoo.primitives.dtypes import check_accumulator_dtype
from optax_zoo.primitives.part import Rule, primitive
from optax_zoo.primitives.precision import dtype_of, lift
from optax_zoo.primitives.types import DType, Scalar

Weights: TypeAlias = Mapping[str, Mapping[str, ArrayLike]]
FORGET_BIAS = 1.0  # added to the forget gate besides its trained bias


class LSTMState(NamedTuple):
    """State of `coordinatewise_lstm`.

    Attributes:
      hidden: by layer, a tree of arrays: the shape of the parameter and a trailing dimension of hidden units (a complex
        parameter has a dimension of real and imaginary part before it).
      cell: the same for the cell state.
    """

    hidden: dict[str, Any]
    cell: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class _Step:
    """What the network makes of a leaf; not a pytree, so that it can replace that leaf in a tree."""

    update: jax.Array
    hidden: dict[str, jax.Array]
    cell: dict[str, jax.Array]


@primitive
def coordinatewise_lstm(
    *, weights: Weights | None = None, k: Scalar | None = 10.0, accumulator_dtype: DType = None
) -> Rule:
    """A trained LSTM that reads the gradient of each coordinate separately and writes its step, to be SUBTRACTED.

    All coordinates of all leaves share the weights; each has its own state. The real and the imaginary part of a
    complex number are two coordinates.

    Args:
      weights: by layer ("lstm_1", "lstm_2" and so on, "linear") a dict of arrays: "w_gates" (inputs + units,
        4 x units) and "b_gates" with the gates in the order input, candidate, forget, output; of "linear" "w" (units,
        1) and "b". By default those that ship with the package, see `optax_zoo.learned.load_weights`.
      k: range of the log-and-sign preprocessing, above 0 and at most 80: gradients down to exp(-k) are seen by their
        logarithm, smaller ones linearly. None feeds the raw gradient.
      accumulator_dtype: dtype of the state; by default the gradient's, at least float32.

    Returns:
      A transformation with state `LSTMState`.
    """
    if k is not None:
        _checks.scalar("k", k, "above 0 and at most 80, or None", lambda x: 0 < x <= 80)
    check_accumulator_dtype(accumulator_dtype, scale=False)
    weights = load_weights() if weights is None else weights
    units = _units(weights, features=1 if k is None else 2)

    def init(params: Any) -> LSTMState:
        def zeros(size: int) -> Any:
            return jax.tree.map(lambda p: _zeros(p, size, accumulator_dtype), params)

        return LSTMState(*({layer: zeros(size) for layer, size in units.items()} for _ in LSTMState._fields))

    def step(leaf: Any, *before: jax.Array) -> _Step:
        x = _features(_coordinates(leaf), k)
        state: list[tuple[jax.Array, jax.Array]] = []
        for layer, hidden, cell in zip(units, before[: len(units)], before[len(units) :], strict=True):
            x, c = _lstm(x, hidden.astype(x.dtype), cell.astype(x.dtype), weights[layer])
            state.append((x.astype(hidden.dtype), c.astype(cell.dtype)))
        output = _affine(x, weights["linear"]["w"], weights["linear"]["b"])[..., 0]
        return _Step(
            _leaf_of(-output, leaf), *(dict(zip(units, part, strict=True)) for part in zip(*state, strict=True))
        )

    def update(updates: Any, state: LSTMState, params: Any = None, **extra_args: Any) -> Any:
        before = [part[layer] for part in state for layer in units]
        steps = jax.tree.map(step, updates, *before)
        hidden = {layer: jax.tree.map(lambda s, layer=layer: s.hidden[layer], steps) for layer in units}
        cell = {layer: jax.tree.map(lambda s, layer=layer: s.cell[layer], steps) for layer in units}
        return jax.tree.map(lambda s: s.update, steps), LSTMState(hidden, cell)

    return Rule(init, update)


def _lstm(x: jax.Array, h: jax.Array, c: jax.Array, weights: Mapping[str, ArrayLike]) -> tuple[jax.Array, jax.Array]:
    """One step of a layer: its new hidden and cell state."""
    gates = _affine(jnp.concatenate([x, h], axis=-1), weights["w_gates"], weights["b_gates"])
    i, j, f, o = jnp.split(gates, 4, axis=-1)
    c = jax.nn.sigmoid(f + FORGET_BIAS) * c + jax.nn.sigmoid(i) * jnp.tanh(j)
    return jnp.tanh(c) * jax.nn.sigmoid(o), c


def _affine(x: jax.Array, w: ArrayLike, b: ArrayLike) -> jax.Array:
    """x w + b in the dtype of x, in full precision even on devices that would multiply in less."""
    y = jnp.dot(x, jnp.asarray(w, x.dtype), precision="highest")
    return y + jnp.broadcast_to(jnp.asarray(b, x.dtype), y.shape)


def _features(g: jax.Array, k: Any) -> jax.Array:
    """What the network sees of a gradient, in a trailing dimension: logarithm and sign, or the gradient itself."""
    if k is None:
        return g[..., None]
    logarithm = jnp.log(jnp.abs(g) + jnp.finfo(g.dtype).eps) / k
    sign = g * jnp.exp(jnp.asarray(k, g.dtype))
    return jnp.stack([jnp.maximum(logarithm, -1), jnp.clip(sign, -1, 1)], axis=-1).astype(g.dtype)


def _coordinates(x: Any) -> jax.Array:
    """A leaf as real numbers: real and imaginary part in a trailing dimension where it is complex."""
    x = lift(x)
    return jnp.stack([x.real, x.imag], axis=-1) if jnp.iscomplexobj(x) else x


def _leaf_of(coordinates: jax.Array, x: Any) -> jax.Array:
    """The inverse of `_coordinates`, in the dtype of the leaf x."""
    if jnp.issubdtype(dtype_of(x), jnp.complexfloating):
        return jax.lax.complex(coordinates[..., 0], coordinates[..., 1])
    return coordinates.astype(dtype_of(x))


def _zeros(p: Any, size: int, dtype: DType) -> jax.Array:
    """State of a leaf: a trailing dimension is added, so that sharded leaves stay sharded and are never gathered."""
    struct = jax.eval_shape(_coordinates, p)
    zeros = jnp.zeros_like(p, dtype=struct.dtype if dtype is None else dtype)
    zeros = zeros.reshape((*zeros.shape, *(1,) * (struct.ndim + 1 - zeros.ndim)))
    return jnp.broadcast_to(zeros, (*struct.shape, size))


def _units(weights: Any, features: int) -> dict[str, int]:
    """The number of hidden units of each layer, in their order, after a check of all shapes."""
    if not isinstance(weights, Mapping) or "linear" not in weights or "lstm_1" not in weights:
        raise TypeError("weights must be a dict of the layers lstm_1, lstm_2 and so on, and linear.")
    layers = [f"lstm_{number}" for number in range(1, len(weights))]
    if set(weights) != {*layers, "linear"}:
        raise ValueError(f"weights has the layers {', '.join(weights)}, but must have {', '.join(layers)}, linear.")
    units = {}
    inputs = features
    for layer in layers:
        size = jnp.shape(weights[layer]["b_gates"])[0] // 4
        _check_shape(weights, layer, "w_gates", (inputs + size, 4 * size))
        _check_shape(weights, layer, "b_gates", (4 * size,))
        units[layer] = inputs = size
    _check_shape(weights, "linear", "w", (inputs, 1))
    _check_shape(weights, "linear", "b", (1,))
    return units


def _check_shape(weights: Weights, layer: str, name: str, shape: tuple[int, ...]) -> None:
    given = jnp.shape(weights[layer][name])
    if given != shape:
        raise ValueError(
            f"weights[{layer!r}][{name!r}] has the shape {given}, but must have {shape} "
            "(the first layer takes 2 inputs, or 1 with k=None)."
        )
