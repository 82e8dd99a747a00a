"""NAdamW: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay
from sources import ascending

import optax_zoo as zoo


def timm(h: dict[str, Any]) -> optax.GradientTransformation:
    threshold = h.get("clipping_threshold")
    clip = threshold and zoo.clip_by_norm("avg_l2", threshold, eps=0.0, of=zoo.whitened_gradient(0.0))
    tx = zoo.nadamw(h["lr"], *h["betas"], eps=h["eps"], weight_decay=h["weight_decay"])
    return ascending(tx.replace(rescale=zoo.in_series(cautious=zoo.cautious() if h["caution"] else None, clip=clip)), h)


REPLAYS = {"timm": Replay(timm, unread={"corrected_weight_decay": "the same at a constant rate"})}
