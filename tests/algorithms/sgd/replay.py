"""Stochastic gradient descent: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay

import optax_zoo as zoo


def keras_sgd(h: dict[str, Any]) -> optax.GradientTransformation:
    return zoo.sgd(lambda count: h["lr"] / (1 + h["decay"] * count))


REPLAYS = {
    "keras2": Replay(keras_sgd),
    "seed": Replay(lambda h: zoo.sgd(h["eta"])),
    "torch": Replay(lambda h: zoo.sgd(h["lr"], weight_decay=h["weight_decay"])),
}
