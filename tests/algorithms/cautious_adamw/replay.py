"""Cautious AdamW: how the source's hyperparameters, under its own names (h), are said here."""

from typing import Any

from harness import Replay

import optax_zoo as zoo
from optax_zoo import debiased, ema, root, square


def authors(h: dict[str, Any]) -> zoo.Pipeline:
    """`foreach` (the default) takes a path where eps meets the corrected root, and which always corrects."""
    (b1, b2), eps = h["betas"], h["eps"]
    tx = zoo.cautious_adamw(h["lr"], b1, b2, eps=eps, weight_decay=max(h["weight_decay"], 0.0))
    if h.get("foreach", True):
        return tx
    uncorrected = root(ema(b2, of=square), eps=eps)
    if h.get("correct_bias", True):
        return tx.replace(denominator=debiased(uncorrected))
    return tx.replace(numerator=ema(b1), denominator=uncorrected)


REPLAYS = {"authors": Replay(authors)}
