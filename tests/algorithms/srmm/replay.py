"""SRMM: how the source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax.numpy as jnp
from harness import Replay
from sources import ascending

import optax_zoo as zoo


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    """The first step starts from 0 with the weight of the average, which shrinks the parameters."""
    rate, length = h["lr"], h["memory_length"] or 1
    tx = zoo.srmm(rate, h["beta"], length)
    kept = (1 + 1 % length) ** -h["beta"]
    return ascending(tx.replace(decay=zoo.decoupled_decay(lambda count: jnp.where(count == 0, 1 - kept, 0) / rate)), h)


REPLAYS = {"pytorch_optimizer": Replay(pytorch_optimizer)}
