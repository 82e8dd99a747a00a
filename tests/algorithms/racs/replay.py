"""RACS: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import sources
from harness import Replay

import optax_zoo as zoo


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    tx = zoo.racs(h["lr"], h["beta"], scale=h["alpha"], growth=h["gamma"], eps=h["eps"], outputs="first")
    tx = sources.with_decay(tx, h, h["weight_decouple"], h["fixed_decay"])
    return sources.ascending(tx, h)


REPLAYS = {"pytorch_optimizer": Replay(pytorch_optimizer)}
