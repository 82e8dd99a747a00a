"""DoG: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

from harness import Replay

import optax_zoo as zoo


def authors(h: dict[str, Any]) -> zoo.Pipeline:
    return zoo.dog(h["lr"], h["reps_rel"], init_eta=h["init_eta"], eps=h["eps"], weight_decay=h["weight_decay"])


REPLAYS = {"authors": Replay(authors)}
