"""signSGD: how the source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay
from sources import ascending, with_decay

import optax_zoo as zoo


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    return ascending(with_decay(zoo.signsgd(h["lr"], h["momentum"]), h, h["weight_decouple"]), h)


REPLAYS = {"pytorch_optimizer": Replay(pytorch_optimizer)}
