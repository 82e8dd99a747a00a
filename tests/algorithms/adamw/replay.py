"""AdamW: how each source's hyperparameters, under its own names (h), are said here."""

from algorithms.adam.replay import chainer_adam, optimi_adam
from harness import Replay

import optax_zoo as zoo

REPLAYS = {
    "chainer": Replay(
        lambda h: chainer_adam(h).replace(decay=zoo.decoupled_decay(h["eta"] * h["weight_decay_rate"] / h["alpha"]))
    ),
    "optimi": Replay(lambda h: optimi_adam(h).replace(decay=zoo.decoupled_decay(h["weight_decay"]))),
    "torch": Replay(lambda h: zoo.adamw(h["lr"], *h["betas"], eps=h["eps"], weight_decay=h["weight_decay"])),
}
