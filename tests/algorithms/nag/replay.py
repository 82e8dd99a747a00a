"""Nesterov's accelerated gradient: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from harness import Replay
from sources import keras_sgd, torch_sgd

import optax_zoo as zoo


def chainer_look_ahead(mu: float) -> optax.GradientTransformation:
    """v <- mu v + u, step mu^2 v + (1 + mu) u: looks ahead from the look-ahead; Chainer's alone, so it stands here."""

    def update(updates: Any, v: Any, params: Any = None) -> Any:
        v = jax.tree.map(lambda u, v: mu * v + u, updates, v)
        return jax.tree.map(lambda u, v: mu**2 * v + (1 + mu) * u, updates, v), v

    return optax.GradientTransformation(lambda params: jax.tree.map(jnp.zeros_like, params), update)


REPLAYS = {
    "chainer": Replay(lambda h: zoo.nag(h["lr"]).replace(velocity=chainer_look_ahead(h["momentum"]))),
    "keras2": Replay(keras_sgd),
    "seed-closed-loop": Replay(
        lambda h: zoo.nag((1 - h["mu"]) * h["eta"], h["mu"]),
        observe=lambda params, state, h: zoo.nag_iterate(params, state, h["mu"]),
    ),
    "torch": Replay(torch_sgd),
}
