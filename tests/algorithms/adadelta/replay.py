"""AdaDelta: how each source's hyperparameters, under its own names (h), are said here."""

from harness import Replay

import optax_zoo as zoo

REPLAYS = {
    "chainer": Replay(lambda h: zoo.adadelta(1.0, h["rho"], eps=h["eps"])),
    "keras2": Replay(lambda h: zoo.adadelta(h["lr"], h["rho"], eps=h["epsilon"])),
    "pytorch_optimizer": Replay(lambda h: zoo.adadelta(h["lr"], h["rho"], eps=h["eps"])),
    "seed": Replay(lambda h: zoo.adadelta(1.0, h["rho"], eps=h["eps"])),
    "torch": Replay(lambda h: zoo.adadelta(h["lr"], h["rho"], eps=h["eps"])),
}
