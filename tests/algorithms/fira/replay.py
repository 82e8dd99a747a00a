"""Fira: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import sources
from harness import Replay

import optax_zoo as zoo


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Route:
    tx = zoo.fira(h["lr"], *h["betas"], eps=h["eps"], weight_decay=h["weight_decay"], by=sources.galore_leaves(h))
    tx = tx.replace(matrices={"basis": sources.galore_projector(h)})
    return sources.on_each_side(tx, lambda side: sources.ascending(side, h))


REPLAYS = {
    "pytorch_optimizer": Replay(
        pytorch_optimizer,
        tolerance=1e-5,
        where=lambda h: h.get("rank") is not None,
        why="it takes singular vectors in float32; a renewal may lead elsewhere, by signs that LAPACK chooses",
    ),
}
