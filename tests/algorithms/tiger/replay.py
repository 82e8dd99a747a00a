"""Tiger: how the source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay
from sources import ascending, with_decay

import optax_zoo as zoo


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    tx = zoo.tiger(h["lr"], h["beta"], weight_decay=None)
    return ascending(with_decay(tx, h, h["weight_decouple"], h["fixed_decay"]), h)


REPLAYS = {"pytorch_optimizer": Replay(pytorch_optimizer)}
