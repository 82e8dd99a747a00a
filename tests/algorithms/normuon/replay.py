"""NorMuon: how the source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import muons
import optax
from harness import Replay

import optax_zoo as zoo


def authors(h: dict[str, Any]) -> zoo.Route:
    return zoo.normuon(h["lr"], h["momentum"], h["beta2"], weight_decay=h["weight_decay"], outputs="first")


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Route:
    tx = zoo.normuon(h["lr"], h["momentum"], h["beta2"], eps=h["eps"], **muons.options(h))
    if h["update_scale"] == "match_rms":
        even = tx.slots["matrices"].slots["rescale"]
        norm = zoo.normalize_by_norm("avg_l2", eps=0.0)
        tx = tx.replace(matrices={"rescale": zoo.serial(even=even, norm=norm, size=optax.scale(0.2))})
    return muons.with_common(tx, h)


REPLAYS = {
    "authors": Replay(authors),
    "pytorch_optimizer": Replay(
        pytorch_optimizer,
        tolerance=2e-2,
        why="it computes the Newton-Schulz iterations in bfloat16, here they are in float64",
    ),
}
