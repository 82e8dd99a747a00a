"""AdaNorm: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay
from sources import ascending, of_pytorch_optimizer, with_decay

import optax_zoo as zoo


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    b1, b2 = h["betas"]
    norm_decay = 0.95 if h["r"] is None else h["r"]
    tx = zoo.adanorm(h["lr"], b1, b2, norm_decay=norm_decay).replace(denominator=of_pytorch_optimizer(h, b2))
    if h.get("adam_debias"):
        tx = tx.replace(numerator=zoo.serial(norm=zoo.raise_to_average_norm(norm_decay), average=zoo.ema(b1)))
    return ascending(with_decay(tx, h, h["weight_decouple"], h["fixed_decay"]), h)


REPLAYS = {"pytorch_optimizer": Replay(pytorch_optimizer)}
