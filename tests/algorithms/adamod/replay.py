"""AdaMod: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay
from sources import ascending, with_decay

import optax_zoo as zoo


def jettify(h: dict[str, Any]) -> zoo.Pipeline:
    return with_decay(zoo.adamod(h["lr"], *h["betas"], h["beta3"], eps=h["eps"]), h, decoupled=True)


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    tx = zoo.adamod(h["lr"], *h["betas"], eps=h["eps"])
    if h.get("adam_debias"):
        tx = tx.replace(numerator=zoo.ema(h["betas"][0]))
    return ascending(with_decay(tx, h, h["weight_decouple"], h["fixed_decay"]), h)


REPLAYS = {"jettify": Replay(jettify), "pytorch_optimizer": Replay(pytorch_optimizer)}
