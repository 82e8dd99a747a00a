"""Stochastic gradient descent: how each source's hyperparameters, under its own names (h), are said here."""

from harness import Replay
from sources import keras_sgd, torch_sgd

import optax_zoo as zoo

REPLAYS = {
    "keras2": Replay(keras_sgd),
    "seed": Replay(lambda h: zoo.sgd(h["eta"])),
    "torch": Replay(torch_sgd),
}
