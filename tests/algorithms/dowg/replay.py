"""DoWG: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

from harness import Replay

import optax_zoo as zoo


def optax_dowg(h: dict[str, Any]) -> zoo.Pipeline:
    squared = h["eps"] if h["init_estim_sq_dist"] is None else h["init_estim_sq_dist"]
    decay, mask = h["weight_decay"], h["mask"]
    return zoo.dowg(h["learning_rate"], squared**0.5, eps=h["eps"], weight_decay=decay, weight_decay_mask=mask)


REPLAYS = {
    "authors": Replay(lambda h: zoo.dowg(1.0, h["eps"] ** 0.5, eps=h["eps"])),
    "optax": Replay(optax_dowg),
}
