"""Shampoo: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from harness import Replay
from sources import ascending, with_decay

import optax_zoo as zoo


class FedBackState(NamedTuple):
    """The state of the part inside, and what it returned last; the gradient before the first step."""

    part: Any
    last: Any
    count: Any


@zoo.primitive
def fed_back(part: optax.GradientTransformation, share: float, sign: float = 1.0) -> zoo.Rule:
    """Mixes into what a part is given what it has returned, at first `sign` times the gradient."""

    def init(params: Any) -> FedBackState:
        return FedBackState(part.init(params), jax.tree.map(jnp.zeros_like, params), jnp.int32(0))

    def update(updates: Any, state: FedBackState, params: Any = None, **extra_args: Any) -> Any:
        last = jax.tree.map(lambda g, u: jnp.where(state.count == 0, sign * g, u), updates, state.last)
        mixed = jax.tree.map(lambda g, u: (1 - share) * g + share * u, updates, last)
        u, after = part.update(mixed, state.part, params, **extra_args)
        return u, FedBackState(after, u, state.count + 1)

    return zoo.Rule(init, update)


def svd_root(matrix: jax.Array, order: float) -> jax.Array:
    """Both sources decompose so; of a matrix near a singular one the smallest values are rounding errors."""
    left, values, right = jnp.linalg.svd(matrix)
    return (left * values ** (-1 / order)) @ right


def of_rank(make: Any) -> zoo.Route:
    """Another part for leaves of each number of axes."""
    return zoo.route(by=lambda path, leaf: str(jnp.ndim(leaf)), **{str(rank): make(rank) for rank in (1, 2, 3, 4, 5)})


def torch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    """The covariance along an axis is of what the axes before have been multiplied by; roots are of order k."""

    def axis_after_axis(rank: int) -> Any:
        return zoo.in_series(
            **{f"axis_{axis}": along(axis, rank, h["epsilon"], h["update_freq"]) for axis in range(rank)}
        )

    decay = zoo.optional(zoo.coupled_decay, h["weight_decay"])
    step = zoo.in_series(decay=decay, roots=of_rank(axis_after_axis))
    tx = zoo.shampoo(h["lr"], eps=h["epsilon"], every=h["update_freq"])
    return tx.replace(numerator=fed_back(step, h["momentum"]) if h["momentum"] else step)


@zoo.primitive
def along(axis: int, order: int, eps: float, every: int) -> zoo.Rule:
    """Shampoo's factor of one axis alone."""
    roots = zoo.kronecker_roots(every, eps=eps, root=order, sides="but_last", inverse_root=svd_root)

    def rows(tree: Any) -> Any:
        """Leaves as matrices whose rows are along the axis, of whose columns there is no factor."""
        return jax.tree.map(lambda x: jnp.moveaxis(x, axis, 0).reshape(x.shape[axis], -1), tree)

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        made, after = roots.update(rows(updates), state)

        def back(u: jax.Array, x: jax.Array) -> jax.Array:
            return jnp.moveaxis(u.reshape(jnp.moveaxis(x, axis, 0).shape), 0, axis)

        return jax.tree.map(back, made, updates), after

    return zoo.Rule(lambda params: roots.init(rows(params)), update)


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    """Roots are there, and steps taken, from the first step on whose number is a multiple of how long they serve."""
    every = h.get("preconditioning_compute_steps", 1)
    roots = zoo.kronecker_roots(every, eps=h["matrix_eps"], identity_first=True, inverse_root=svd_root)
    coupled = not h["weight_decouple"]
    step = zoo.in_series(
        decay=zoo.optional(zoo.coupled_decay, h["weight_decay"]) if coupled else None,
        roots=zoo.scaled(zoo.from_step(1.0, every - 1), roots) if every > 1 else roots,
    )
    first = -1.0 if h.get("maximize") else 1.0
    tx = zoo.shampoo(h["lr"]).replace(numerator=fed_back(step, h["momentum"], first) if h["momentum"] else step)
    return ascending(tx if coupled else with_decay(tx, h, decoupled=True, fixed=h["fixed_decay"]), h)


REPLAYS = {
    "jettify": Replay(
        torch_optimizer,
        tolerance=1e-7,
        where=lambda h: h["momentum"] > 0,
        why="it feeds back what roots of order k have made longer, rounding errors too: 6e-9 with a momentum of 0.9",
    ),
    "pytorch_optimizer": Replay(pytorch_optimizer, unread={"fixed_decay": "it is about decoupled decay alone"}),
}
