"""Conda: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import sources
from harness import Replay

import optax_zoo as zoo


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Route:
    tx = zoo.conda(h["lr"], *h["betas"], eps=h["eps"], weight_decay=h["weight_decay"], by=zoo.matrices(most_axes=2))
    projector = sources.galore_projector(
        {key: h[key] for key in ("update_proj_gap", "scale", "projection_type")}, of_average=True
    )
    return sources.on_each_side(tx.replace(matrices={"basis": projector}), lambda side: sources.ascending(side, h))


REPLAYS = {
    "pytorch_optimizer": Replay(pytorch_optimizer, tolerance=1e-5, why="it takes singular vectors in float32"),
}
