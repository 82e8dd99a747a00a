"""AdaGrad: how each source's hyperparameters, under its own names (h), are said here."""

from harness import Replay

import optax_zoo as zoo

REPLAYS = {
    "chainer": Replay(lambda h: zoo.adagrad(h["lr"], eps=h["eps"])),
    "keras2": Replay(lambda h: zoo.adagrad(h["lr"], eps=h["epsilon"])),
    "seed": Replay(lambda h: zoo.adagrad(h["eta"], eps=0.0)),
    "tensorflow1": Replay(
        lambda h: zoo.adagrad(h["learning_rate"], eps=0.0, initial_accumulator=h["initial_accumulator_value"])
    ),
    "torch": Replay(
        lambda h: zoo.adagrad(
            lambda count: h["lr"] / (1 + count * h["lr_decay"]),
            eps=h["eps"],
            initial_accumulator=h["initial_accumulator_value"],
        )
    ),
}
