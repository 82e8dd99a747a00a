"""Padam: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay
from sources import ascending, with_decay

import optax_zoo as zoo


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    """Without AMSGrad's maximum."""
    b1, b2 = h["betas"]
    scale = zoo.root(zoo.ema(b2, of=zoo.square), eps=h["eps"], power=2 * h["partial"])
    tx = zoo.padam(h["lr"], b1, b2).replace(denominator=scale)
    return ascending(with_decay(tx, h, h["weight_decouple"], h["fixed_decay"]), h)


REPLAYS = {"pytorch_optimizer": Replay(pytorch_optimizer)}
