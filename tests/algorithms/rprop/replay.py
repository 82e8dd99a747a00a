"""Rprop: how the source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay
from sources import ascending

import optax_zoo as zoo


def torch(h: dict[str, Any]) -> optax.GradientTransformation:
    """Sizes are absolute, and start from the rate."""
    least, largest = h["step_sizes"]
    return ascending(zoo.rprop(h["lr"], *h["etas"], min_size=least / h["lr"], max_size=largest / h["lr"]), h)


REPLAYS = {"torch": Replay(torch)}
