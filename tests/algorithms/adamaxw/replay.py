"""AdaMaxW: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

from harness import Replay

import optax_zoo as zoo


def optax(h: dict[str, Any]) -> zoo.Pipeline:
    decay, mask = h["weight_decay"], h["mask"]
    return zoo.adamaxw(
        h["learning_rate"], h["b1"], h["b2"], eps_max=h["eps"], weight_decay=decay, weight_decay_mask=mask
    )


REPLAYS = {"optax": Replay(optax)}
