"""Corrected momentum: how the source's hyperparameters, under its own names (h), are said here."""

from harness import Replay

import optax_zoo as zoo

REPLAYS = {"chainer": Replay(lambda h: zoo.corrected_momentum_sgd(h["lr"], h["momentum"]))}
