"""Ano: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax.numpy as jnp
from harness import Replay
from sources import ascending, with_decay

import optax_zoo as zoo


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    b1, b2 = h["betas"]
    if h.get("logarithmic_schedule"):
        tx = zoo.ano(h["lr"], lambda count: 1 - 1 / jnp.log(jnp.maximum(2.0, count + 1.0)), b2, eps=h["eps"])
    else:
        tx = zoo.ano(h["lr"], b1, b2, eps=h["eps"])
    return ascending(with_decay(tx, h, h["weight_decouple"], h["fixed_decay"]), h)


REPLAYS = {"pytorch_optimizer": Replay(pytorch_optimizer)}
