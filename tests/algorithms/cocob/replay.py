"""COCOB: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

from harness import Replay

import optax_zoo as zoo


def optax_cocob(h: dict[str, Any]) -> zoo.Pipeline:
    decay, mask = h["weight_decay"], h["mask"]
    return zoo.cocob(h["learning_rate"], h["alpha"], eps=h["eps"], weight_decay=decay, weight_decay_mask=mask)


REPLAYS = {
    "authors": Replay(lambda h: zoo.cocob(1.0, h["alpha"], eps=h["eps"], weight_decay=h["weight_decay"])),
    "optax": Replay(optax_cocob),
}
