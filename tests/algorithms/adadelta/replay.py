"""AdaDelta: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay
from sources import ascending, keras_rate, with_decay

import optax_zoo as zoo


def torch(h: dict[str, Any]) -> optax.GradientTransformation:
    tx = zoo.adadelta(h["lr"], h["rho"], eps=h["eps"], weight_decay=h["weight_decay"])
    return ascending(tx, h)


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    tx = zoo.adadelta(h["lr"], h["rho"], eps=h["eps"])
    return ascending(with_decay(tx, h, h["weight_decouple"], h["fixed_decay"]), h)


REPLAYS = {
    "chainer": Replay(lambda h: zoo.adadelta(1.0, h["rho"], eps=h["eps"])),
    "keras2": Replay(lambda h: zoo.adadelta(keras_rate(h), h["rho"], eps=h["epsilon"])),
    "pytorch_optimizer": Replay(pytorch_optimizer),
    "seed": Replay(lambda h: zoo.adadelta(1.0, h["rho"], eps=h["eps"])),
    "torch": Replay(torch),
}
