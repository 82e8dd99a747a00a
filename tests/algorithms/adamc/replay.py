"""AdamC: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay
from sources import ascending, of_pytorch_optimizer, with_decay

import optax_zoo as zoo


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    """While the rate is constant it makes no difference which groups are `normalized`."""
    b1, b2 = h["betas"]
    tx = zoo.adamc(h["lr"], b1, b2, weight_decay=None).replace(denominator=of_pytorch_optimizer(h, b2))
    return ascending(with_decay(tx, h, h["weight_decouple"], h["fixed_decay"]), h)


REPLAYS = {"pytorch_optimizer": Replay(pytorch_optimizer)}
