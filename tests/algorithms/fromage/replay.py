"""Fromage: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from harness import Replay
from sources import ascending

import optax_zoo as zoo


def authors(h: dict[str, Any]) -> zoo.Pipeline:
    tx = ascending(zoo.fromage(h["lr"]), h)
    return tx if h.get("p_bound") is None else tx.replace(iterate=bounded(h["p_bound"]))


def bounded(factor: float) -> optax.GradientTransformation:
    """Parameters become no longer than some times what they were at first."""

    def init(params: Any) -> Any:
        return jax.tree.map(lambda p: factor * jnp.linalg.norm(p.ravel()), params)

    def update(u: Any, state: Any, params: Any) -> Any:
        def step(u: jax.Array, limit: jax.Array, p: jax.Array) -> jax.Array:
            norm = jnp.linalg.norm((p + u).ravel())
            return jnp.where(norm > limit, (p + u) * limit / norm - p, u)

        return jax.tree.map(step, u, state, params), state

    return optax.GradientTransformation(init, update)


REPLAYS = {"authors": Replay(authors), "pytorch_optimizer": Replay(authors)}
