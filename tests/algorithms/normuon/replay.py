"""NorMuon: how the source's hyperparameters, under its own names (h), are said here."""

from typing import Any

from harness import Replay

import optax_zoo as zoo


def authors(h: dict[str, Any]) -> zoo.Route:
    return zoo.normuon(h["lr"], h["momentum"], h["beta2"], weight_decay=h["weight_decay"], outputs="first")


REPLAYS = {"authors": Replay(authors)}
