"""Nero: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

from harness import Replay
from sources import ascending

import optax_zoo as zoo


def authors(h: dict[str, Any]) -> zoo.Pipeline:
    return zoo.nero(h["lr"], h["beta"], eps=0.0, constraints=h["constraints"], outputs="first")


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    return ascending(zoo.nero(h["lr"], h["beta"], eps=h["eps"], constraints=h["constraints"], outputs="first"), h)


REPLAYS = {"authors": Replay(authors), "pytorch_optimizer": Replay(pytorch_optimizer)}
