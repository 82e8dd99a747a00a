"""Leaves as matrices: which of their axes stack layers, which have the inputs and which the outputs."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import jax
import numpy as np
import optax

from optax_zoo import _checks
from optax_zoo.primitives.paths import as_keys, keys_of
from optax_zoo.primitives.stacked import Stacked, check_stacked, stacked_axes

Outputs: TypeAlias = Literal["first", "last"]
ENDS = ("first", "last")


@dataclasses.dataclass(frozen=True)
class outputs_under:  # noqa: N801  (used like a function of path and leaf)
    """A rule for `outputs`: leaves under some names have their outputs along several axes, all others along the last.

    It is not a function, so that `optax.inject_hyperparams` does not take it for a schedule.

    Args:
      names: keys of paths, each meant as a whole: ("query", "key", "value") for the projections of Flax's attention,
        whose kernels are (inputs, heads, head).
      axes: how many axes at the end of these leaves are outputs; of a leaf with fewer axes all but one.

    Raises:
      TypeError: if names is not a tuple of keys.
      ValueError: if axes is not a whole number, at least 1.

    Example:
      >>> import jax.numpy as jnp, optax_zoo as zoo
      >>> params = {"query": {"kernel": jnp.ones((6, 2, 3))}, "out": {"kernel": jnp.ones((2, 3, 6))}}
      >>> zoo.orthogonalize(outputs=zoo.outputs_under(("query", "key", "value"))).rule.seen(params)
      ['6 x 6', '6 x 6']
    """

    names: tuple[str, ...]
    axes: int = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", as_keys("names", self.names, "('query', 'key', 'value')"))
        _checks.whole("axes", self.axes)


OutputAxes: TypeAlias = Outputs | tuple[int, ...] | outputs_under | Callable[[Any, Any], Any]


def check_outputs(outputs: Any) -> None:
    """Refuses what is no rule of outputs."""
    _checks.static("outputs", outputs)
    if isinstance(outputs, str):
        _checks.one_of("outputs", outputs, ENDS)
    elif not (isinstance(outputs, outputs_under) or callable(outputs) or _are_axes(outputs)):
        raise TypeError(
            f"outputs is {outputs!r}, but must be 'first', 'last', a tuple of axes, outputs_under(names), or a "
            "function of a leaf's path and the leaf that returns one of the first three."
        )


@dataclasses.dataclass(frozen=True)
class MatrixAxes:
    """How a leaf is seen as matrices, one for each of its layers.

    Attributes:
      layers: the axes that stack layers.
      inputs: the axes that are rows together; none where the leaf is not a matrix.
      outputs: the axes that are columns together.
      shape: of the leaf.
    """

    layers: tuple[int, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    shape: tuple[int, ...]

    @property
    def is_matrix(self) -> bool:
        """Whether there are inputs and outputs."""
        return bool(self.inputs and self.outputs)

    @property
    def rows(self) -> int:
        """Number of inputs of a layer."""
        return self._length(self.inputs)

    @property
    def columns(self) -> int:
        """Number of outputs of a layer."""
        return self._length(self.outputs)

    def matrices(self, x: jax.Array) -> jax.Array:
        """A leaf as matrices (*layers, inputs, outputs)."""
        layers = [self.shape[axis] for axis in self.layers]
        return x.transpose(self._order).reshape(*layers, self.rows, self.columns)

    def leaf(self, matrices: jax.Array) -> jax.Array:
        """The leaf that matrices are of."""
        order = self._order
        back = sorted(range(len(order)), key=order.__getitem__)
        return matrices.reshape([self.shape[axis] for axis in order]).transpose(back)

    def __str__(self) -> str:
        if not self.is_matrix:
            return "no matrix"
        layers = self._length(self.layers)
        return f"{layers} of " * bool(self.layers) + f"{self.rows} x {self.columns}"

    @property
    def _order(self) -> tuple[int, ...]:
        return (*self.layers, *self.inputs, *self.outputs)

    def _length(self, axes: tuple[int, ...]) -> int:
        return math.prod(self.shape[axis] for axis in axes)


def matrix_axes(tree: Any, outputs: OutputAxes = "last", stacked: Stacked = None) -> list[MatrixAxes]:
    """How each leaf of a tree is seen as matrices; see `orthogonalize` for the arguments.

    Raises:
      ValueError: if a rule gives a leaf axes that it does not have.
    """
    leaves = jax.tree.leaves_with_path(tree)
    of_leaves = zip(leaves, stacked_axes(stacked, tree), strict=True)
    return [_of_leaf(outputs, path, leaf, layers) for (path, leaf), layers in of_leaves]


def init_for(outputs: OutputAxes, stacked: Stacked) -> Callable[[Any], optax.EmptyState]:
    """The init of a stateless transformation: rules that do not fit the parameters are refused here."""
    check_outputs(outputs)
    check_stacked(stacked)

    def init(params: Any) -> optax.EmptyState:
        matrix_axes(params, outputs, stacked)
        return optax.EmptyState()

    return init


def seen_as_matrices(outputs: OutputAxes, stacked: Stacked) -> Callable[[Any], list[str]]:
    """What a part that sees leaves so says of those of a tree: "768 x 3072", "12 of 768 x 3072" of stacked layers."""
    return lambda tree: list(map(str, matrix_axes(tree, outputs, stacked)))


def is_of_shapes(outputs: OutputAxes, stacked: Stacked) -> bool:
    """Whether the matrices of a leaf follow from its shape alone, wherever it stands in a tree."""
    return stacked is None and (isinstance(outputs, str) or _are_axes(outputs))


def _of_leaf(outputs: Any, path: Sequence[Any], leaf: Any, layers: tuple[int, ...]) -> MatrixAxes:
    shape = np.shape(leaf)
    rest = tuple(axis for axis in range(len(shape)) if axis not in layers)
    found = _asked(outputs, path, leaf, len(rest))
    if len(rest) < 2:
        return MatrixAxes(layers, (), rest, shape)
    if isinstance(found, str) and found in ENDS:
        columns = rest[:1] if found == "first" else rest[-1:]
    elif _are_axes(found) and all(-len(shape) <= axis < len(shape) for axis in found):
        columns = tuple(axis % len(shape) for axis in found)
    else:
        columns = ()
    inputs = tuple(axis for axis in rest if axis not in columns)
    if not columns or not inputs or not set(columns) <= set(rest) or len(set(columns)) < len(columns):
        but = f" other than {layers}, which stack layers," if layers else ""
        raise ValueError(
            f"outputs gives {found!r} for the leaf {jax.tree_util.keystr(tuple(path))} of shape {shape}, but must give "
            f"'first', 'last', or a tuple of different axes of it{but} that leaves one for the inputs."
        )
    return MatrixAxes(layers, inputs, columns, shape)


def _asked(outputs: Any, path: Sequence[Any], leaf: Any, axes: int) -> Any:
    """What a rule says of a leaf that has so many axes beside those of layers."""
    if isinstance(outputs, outputs_under):
        named = not set(outputs.names).isdisjoint(keys_of(path))
        return tuple(range(-min(outputs.axes, axes - 1), 0)) if named and axes > 1 else "last"
    return outputs(path, leaf) if callable(outputs) else outputs


def _are_axes(value: Any) -> bool:
    return isinstance(value, tuple) and all(
        isinstance(axis, (int, np.integer)) and not isinstance(axis, bool) for axis in value
    )
