"""StableAdamW: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay
from sources import ascending, optimi_coefficient, with_decay

import optax_zoo as zoo


def optimi(h: dict[str, Any]) -> zoo.Pipeline:
    return zoo.stableadamw(h["lr"], h["beta1"], h["beta2"], eps=h["eps"], weight_decay=optimi_coefficient(h))


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    decoupled = h["weight_decouple"]
    coefficient = h["weight_decay"] if decoupled else None
    tx = zoo.stableadamw(h["lr"], *h["betas"], eps=h["eps"], weight_decay=coefficient)
    return ascending(tx if decoupled else with_decay(tx, h, decoupled=False), h)


REPLAYS = {"optimi": Replay(optimi), "pytorch_optimizer": Replay(pytorch_optimizer)}
