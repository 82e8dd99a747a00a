"""EXAdam: how the source's hyperparameters, under its own names (h), are said here."""

from typing import Any

from harness import Replay
from sources import ascending, with_decay

import optax_zoo as zoo


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    tx = zoo.exadam(h["lr"], *h["betas"], eps=h["eps"])
    return ascending(with_decay(tx, h, h["weight_decouple"], h["fixed_decay"]), h)


REPLAYS = {"pytorch_optimizer": Replay(pytorch_optimizer)}
