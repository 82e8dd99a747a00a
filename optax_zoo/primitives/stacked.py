"""Stacked layers: leaves that hold a parameter of many layers (`nn.scan`, `nnx.scan`), and where their layers are."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax

from optax_zoo import _checks
from optax_zoo.primitives.paths import keys_of

Axes: TypeAlias = int | tuple[int, ...]  # a number of leading axes, or the axes themselves


@dataclasses.dataclass(frozen=True)
class stacked_under:  # noqa: N801  (used like a function of path and leaf)
    """A rule for `stacked`: leaves with a key of this name in their path are stacked, all others are not.

    It is not a function, so that `optax.inject_hyperparams` does not take it for a schedule.

    Args:
      name: a whole key of the path, e.g. "layers" for `params["decoder"]["layers"]["mlp"]["wi"]["kernel"]`.
      axes: how many leading axes stack layers there, or which axes do: `axes=(1,)` where layers are along axis 1.

    Raises:
      TypeError: if name is not a str.
      ValueError: if axes is neither a number of axes nor a tuple of axes.

    Example:
      >>> import jax.numpy as jnp, optax_zoo as zoo
      >>> params = {
      ...     "decoder": {"layers": {"mlp": {"wi": {"kernel": jnp.ones((4, 8, 16))}}}},
      ...     "token_embedder": {"embedding": jnp.ones((32, 8))},
      ... }
      >>> tx = zoo.novograd(1e-2, stacked=zoo.stacked_under("layers"))
      >>> v = tx.init(params)["denominator"].value
      >>> v["decoder"]["layers"]["mlp"]["wi"]["kernel"].shape, v["token_embedder"]["embedding"].shape
      ((4, 1, 1), ())
    """

    name: str
    axes: Axes = 1

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise TypeError(f"name is {self.name!r}, but must be a str: one key of the paths of stacked leaves.")
        if not _are_axes(self.axes):
            raise ValueError(f"axes is {self.axes!r}, but must be {_ALLOWED}.")


@dataclasses.dataclass(frozen=True)
class each_output:  # noqa: N801  (used like a function of path and leaf)
    """A rule for `stacked` in statistics: the weights of each output of a leaf are a layer of their own (Nero).

    Args:
      outputs: which axis of a leaf has its outputs: "last" as in Flax, "first" as in PyTorch.
    """

    outputs: Literal["first", "last"] = "last"

    def __post_init__(self) -> None:
        _checks.one_of("outputs", self.outputs, ["first", "last"])

    def __call__(self, path: Any, leaf: Any) -> tuple[int, ...]:
        dimensions = len(np.shape(leaf))
        return (0 if self.outputs == "first" else dimensions - 1,) if dimensions else ()

    def __repr__(self) -> str:
        return f"each_output({self.outputs!r})"


@dataclasses.dataclass(frozen=True)
class but_longest:  # noqa: N801  (used like a function of path and leaf)
    """A rule for `stacked` in `factored`: the two longest axes are rows and columns, of equal ones the last."""

    def __call__(self, path: Any, leaf: Any) -> tuple[int, ...]:
        shape = np.shape(leaf)
        return tuple(sorted(sorted(range(len(shape)), key=lambda axis: (shape[axis], axis))[:-2]))


Stacked: TypeAlias = Axes | stacked_under | Callable[[Any, Any], Axes] | None
_ALLOWED = "a number of leading axes or a tuple of axes"


def check_stacked(stacked: Any) -> None:
    """Refuses what is no rule of stacked layers."""
    _checks.static("stacked", stacked)
    if not (stacked is None or isinstance(stacked, stacked_under) or callable(stacked) or _are_axes(stacked)):
        raise TypeError(
            f"stacked is {stacked!r}, but must be None, {_ALLOWED}, stacked_under(name), or a function of a leaf's "
            "path and the leaf that returns either."
        )


def is_of_leaf(stacked: Stacked) -> bool:
    """Whether a rule looks at a leaf alone, not at its path."""
    return stacked is None or isinstance(stacked, (int, tuple, each_output, but_longest))


def stacked_axes(stacked: Stacked, tree: Any) -> list[tuple[int, ...]]:
    """The axes along which each leaf of a tree stacks layers.

    Raises:
      ValueError: if the rule gives a leaf axes that it does not have.
    """
    leaves = jax.tree_util.tree_flatten_with_path(tree)[0]
    if stacked is None:
        return [()] * len(leaves)
    return [_axes_of(stacked, path, leaf) for path, leaf in leaves]


def init_for(stacked: Stacked) -> Callable[[Any], optax.EmptyState]:
    """The init of a stateless transformation: a rule that does not fit the parameters is refused here."""

    def init(params: Any) -> optax.EmptyState:
        stacked_axes(stacked, params)
        return optax.EmptyState()

    return init


def of_layers(function: Callable[[jax.Array], Any], x: jax.Array, axes: tuple[int, ...]) -> Any:
    """A function of one array, of each layer of a leaf; scalars keep the axes, and have length 1 along all others."""
    layers = jnp.moveaxis(x, axes, range(len(axes)))
    for _ in axes:
        function = jax.vmap(function)
    found = function(layers)
    if not axes or jnp.shape(found) != layers.shape[: len(axes)]:
        return found
    return jnp.moveaxis(found.reshape(found.shape + (1,) * (x.ndim - len(axes))), range(len(axes)), axes)


def _axes_of(stacked: Any, path: Sequence[Any], leaf: Any) -> tuple[int, ...]:
    found = stacked
    if isinstance(stacked, stacked_under):
        found = stacked.axes if stacked.name in keys_of(path) else 0
    elif callable(stacked):
        found = stacked(path, leaf)
    dimensions = len(np.shape(leaf))
    axes = tuple(range(found)) if _is_count(found) and found <= dimensions else found
    if not (isinstance(axes, tuple) and _are_axes(axes) and all(axis < dimensions for axis in axes)):
        raise ValueError(
            f"stacked gives {found!r} for the leaf {jax.tree_util.keystr(tuple(path))} of shape {np.shape(leaf)}, but "
            f"must give a number of leading axes from 0 to {dimensions}, or a tuple of different axes of it."
        )
    return axes


def _are_axes(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_count, value)) and len(set(value)) == len(value)
    return _is_count(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and bool(value >= 0)
