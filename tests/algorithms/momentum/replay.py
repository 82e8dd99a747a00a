"""Momentum: how each source's hyperparameters, under its own names (h), are said here."""

from harness import Replay
from sources import keras_sgd, torch_sgd

import optax_zoo as zoo

REPLAYS = {
    "chainer": Replay(lambda h: zoo.momentum(h["lr"], h["momentum"])),
    "keras2": Replay(keras_sgd),
    "seed": Replay(lambda h: zoo.momentum(h["eta"], h["mu"], dampening=h["mu"])),
    "torch": Replay(torch_sgd),
}
