"""Grams: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay
from sources import ascending, with_decay

import optax_zoo as zoo
from optax_zoo import debiased, ema, root, square


def authors(h: dict[str, Any]) -> zoo.Pipeline:
    """eps meets the uncorrected root."""
    (b1, b2), eps = h["betas"], h["eps"]
    tx, scale = zoo.grams(h["lr"], b1, weight_decay=h["weight_decay"]), root(ema(b2, of=square), eps=eps)
    if h["correct_bias"]:
        return tx.replace(denominator=debiased(scale))
    return tx.replace(numerator=ema(b1), denominator=scale)


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    """Coupled decay is added to a gradient that has been read."""
    tx = zoo.grams(h["lr"], *h["betas"], eps=h["eps"])
    return ascending(with_decay(tx, h, decoupled=True) if h["weight_decouple"] else tx, h)


REPLAYS = {"authors": Replay(authors), "pytorch_optimizer": Replay(pytorch_optimizer)}
