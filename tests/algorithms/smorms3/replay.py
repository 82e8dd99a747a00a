"""SMORMS3: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from harness import Replay

import optax_zoo as zoo


def retold(eps: float) -> optax.GradientTransformation:
    """SMORMS3 as the article's formula has it, and nobody else: n <- 2 - x n, the weights of the averages exchanged."""

    def init(params: Any) -> Any:
        zeros = jax.tree.map(jnp.zeros_like, params)
        return zeros, zeros, jax.tree.map(lambda p: jnp.full_like(p, 2), params)

    def update(updates: Any, state: Any, params: Any = None, *, learning_rate: Any, **extra_args: Any) -> Any:
        m, v, n = state
        m = jax.tree.map(lambda g, m, n: (m + n * g) / (n + 1), updates, m, n)
        v = jax.tree.map(lambda g, v, n: (v + n * g**2) / (n + 1), updates, v, n)
        x = jax.tree.map(lambda m, v: m**2 / (v + eps), m, v)
        u = jax.tree.map(lambda g, v, x: jnp.minimum(learning_rate, x) / jnp.sqrt(v + eps) * g, updates, v, x)
        return u, (m, v, jax.tree.map(lambda n, x: 2 - x * n, n, x))

    return optax.GradientTransformationExtraArgs(init, update)


REPLAYS = {
    "chainer": Replay(lambda h: zoo.create("smorms3", learning_rate=h["lr"], eps=h["eps"])),
    "seed-formula": Replay(lambda h: zoo.create("smorms3", learning_rate=h["eta"]).replace(rescale=retold(h["eps"]))),
}

NOT_REPLAYED = {
    "seed/as-is-pair-smooth": "a slip of the listing: the second leaf's x is written over the first one's, so that "
    "the first steps by the x of the second, of the same shape, and the second never moves"
}
