"""Graves's form of RMSprop: how each source's hyperparameters, under its own names (h), are said here."""

from harness import Replay

import optax_zoo as zoo

REPLAYS = {
    "chainer": Replay(lambda h: zoo.rmsprop_graves(h["lr"], h["alpha"], momentum=h["momentum"], eps_root=h["eps"])),
    "seed": Replay(lambda h: zoo.rmsprop_graves(h["eta"], h["rho"], momentum=None, eps_root=h["eps"])),
}
