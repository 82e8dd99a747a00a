"""Matrices that are split over devices, brought together so that each device has its share of them whole."""

import contextvars
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from optax_zoo.primitives.part import Rule, needs_of, primitive

_AT_REST: contextvars.ContextVar[NamedSharding | None] = contextvars.ContextVar("at_rest", default=None)


@primitive
def spread_matrices(tx: optax.GradientTransformation, at_rest: NamedSharding) -> Rule:
    """An optimizer of matrices, each of which one device iterates or decomposes: equal ones are shared out.

    On a mesh every matrix is split over the devices, and what needs it whole is computed by all of them, in pieces that
    they exchange, or each for itself. Here matrices of equal shapes are stacked, and exchanged once so that each device
    has a share of them whole (layers that are stacked already among them), and once more when it is done. Two
    all-to-alls of what a device holds take the place of all else; no device holds more than its share.

    Args:
      tx: the optimizer: `muon()`, `scalable_shampoo()`; whatever sends matrices through one call for equal shapes.
      at_rest: how most matrices are laid out, inputs and outputs, on a mesh of Auto axes:
        `NamedSharding(mesh, PartitionSpec("data", "model"))`. Over all these axes matrices are shared out. Others than
        most are exchanged once more; shapes that it does not divide are left as they are.

    Returns:
      A transformation with the state of `tx`, which takes the same steps.

    Raises:
      TypeError: if at_rest is not a NamedSharding.
      ValueError: if it is not of two axes, both or one of them split, or its mesh has Explicit axes.
    """
    if not isinstance(at_rest, NamedSharding):
        raise TypeError(f"at_rest is {at_rest!r}, but must be a jax.sharding.NamedSharding.")
    if len(at_rest.spec) > 2 or not any(at_rest.spec) or AxisType.Explicit in at_rest.mesh.axis_types:
        raise ValueError(
            f"at_rest is {at_rest}, but must split the two axes of matrices, or one, on a mesh of Auto axes."
        )
    return _Spread(tx, at_rest)


class _Spread(Rule):
    """The rule of `spread_matrices`."""

    def __init__(self, tx: optax.GradientTransformation, at_rest: NamedSharding):
        self.step = optax.with_extra_args_support(tx).update
        self.at_rest = at_rest
        super().__init__(tx.init, self.update, needs_of(tx))

    def update(self, updates: Any, state: Any, params: Any = None, **extra_args: Any) -> tuple[Any, Any]:
        token = _AT_REST.set(self.at_rest)
        try:
            return self.step(updates, state, params, **extra_args)
        finally:
            _AT_REST.reset(token)


def is_spread(shape: tuple[int, ...]) -> bool:
    """Whether matrices of a shape are to be shared out."""
    at_rest = _AT_REST.get()
    return at_rest is not None and len(list(_split_axes((1, *shape), at_rest))) == len(list(_axes(at_rest)))


def shared_out(call: Callable[..., Any], batches: Sequence[jax.Array]) -> Any:
    """What a function of batches of matrices makes of them, each device of its share."""
    at_rest = _AT_REST.get()
    assert at_rest is not None
    count, devices = len(batches[0]), math.prod(at_rest.mesh.shape[name] for name, _ in _axes(at_rest))
    found = call(*(_together(_padded(x, -count % devices), at_rest) for x in batches))
    return jax.tree.map(lambda x: _apart(x, at_rest)[:count], found)


def _axes(at_rest: NamedSharding) -> Iterator[tuple[str, int]]:
    """The axes of the mesh, with the axis of a batch of matrices that each splits."""
    for axis, names in enumerate(at_rest.spec, start=1):
        for name in () if names is None else (names,) if isinstance(names, str) else names:
            yield name, axis


def _split_axes(shape: tuple[int, ...], at_rest: NamedSharding) -> Iterator[str]:
    """The axes of the mesh that split batches of a shape evenly."""
    left = list(shape)
    for name, axis in _axes(at_rest):
        if axis < len(shape) and left[axis] and left[axis] % at_rest.mesh.shape[name] == 0:
            left[axis] //= at_rest.mesh.shape[name]
            yield name


def _laid_out(x: jax.Array, moved: int, at_rest: NamedSharding) -> jax.Array:
    """A batch whose matrices are shared out over the first so many axes of the mesh, and split over the others."""
    axes, split = list(_axes(at_rest)), set(_split_axes(x.shape, at_rest))
    spec: list[tuple[str, ...]] = [() for _ in x.shape]
    for number, (name, axis) in enumerate(axes):
        if number < moved:
            spec[0] += (name,)
        elif name in split:
            spec[axis] += (name,)
    return jax.lax.with_sharding_constraint(x, NamedSharding(at_rest.mesh, PartitionSpec(*spec)))


def _together(x: jax.Array, at_rest: NamedSharding) -> jax.Array:
    """One axis of the mesh after another, each by an all-to-all: of several at once XLA gathers all on each device."""
    for moved in range(len(list(_axes(at_rest))) + 1):
        x = _laid_out(x, moved, at_rest)
    return x


def _apart(x: jax.Array, at_rest: NamedSharding) -> jax.Array:
    for moved in reversed(range(len(list(_axes(at_rest))) + 1)):
        x = _laid_out(x, moved, at_rest)
    return x


def _padded(x: jax.Array, more: int) -> jax.Array:
    """So many copies of the last matrix at the end, that all devices have equal shares."""
    return jnp.concatenate([x, jnp.broadcast_to(x[-1:], (more, *x.shape[1:]))]) if more else x
