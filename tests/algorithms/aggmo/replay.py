"""AggMo: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay
from sources import ascending, with_decay

import optax_zoo as zoo


def aggmo(h: dict[str, Any]) -> zoo.Pipeline:
    """The sources keep sums by decay: equal ones would share one."""
    if len(set(h["betas"])) < len(h["betas"]):
        raise NotImplementedError(f"betas is {h['betas']!r}, which share a sum.")
    return zoo.aggmo(h["lr"], tuple(h["betas"]), weight_decay=h["weight_decay"])


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    tx = aggmo({**h, "weight_decay": 0.0})
    return ascending(with_decay(tx, h, h["weight_decouple"], h["fixed_decay"]), h)


REPLAYS = {
    "authors": Replay(aggmo),
    "jettify": Replay(aggmo),
    "pytorch_optimizer": Replay(pytorch_optimizer),
}
