"""Schedule-free SGD: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

from algorithms.schedule_free_adamw.replay import evaluated
from harness import Replay
from sources import ascending

import optax_zoo as zoo


def authors(h: dict[str, Any]) -> zoo.Pipeline:
    tx = zoo.schedule_free_sgd(
        h["lr"],
        h["momentum"],
        weight_decay=h["weight_decay"],
        warmup_steps=h["warmup_steps"],
        r=h["r"],
        weight_lr_power=h["weight_lr_power"],
    )
    return ascending(tx, h)


REPLAYS = {
    "authors": Replay(authors, evaluated=evaluated),
    "pytorch_optimizer": Replay(authors, evaluated=evaluated, unread={"eps": "nothing is divided by."}),
}
