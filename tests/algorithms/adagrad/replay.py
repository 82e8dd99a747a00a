"""AdaGrad: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay
from sources import ascending, keras_rate

import optax_zoo as zoo


def torch(h: dict[str, Any]) -> optax.GradientTransformation:
    rate, decay, start = h["lr"], h["lr_decay"], h["initial_accumulator_value"]
    tx = zoo.adagrad(
        lambda count: rate / (1 + count * decay),
        eps=h["eps"],
        initial_accumulator=start,
        weight_decay=h["weight_decay"],
    )
    return ascending(tx, h)


REPLAYS = {
    "chainer": Replay(lambda h: zoo.adagrad(h["lr"], eps=h["eps"])),
    "keras2": Replay(lambda h: zoo.adagrad(keras_rate(h), eps=h["epsilon"])),
    "seed": Replay(lambda h: zoo.adagrad(h["eta"], eps=0.0)),
    "tensorflow1": Replay(
        lambda h: zoo.adagrad(h["learning_rate"], eps=0.0, initial_accumulator=h["initial_accumulator_value"])
    ),
    "torch": Replay(torch),
}
