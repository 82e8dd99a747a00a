"""AccSGD: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay
from sources import ascending

import optax_zoo as zoo


def accsgd(h: dict[str, Any], small_const: str) -> optax.GradientTransformation:
    tx = zoo.accsgd(h["lr"], h["kappa"], h["xi"], small_const=h[small_const], weight_decay=h["weight_decay"])
    return ascending(tx, h)


REPLAYS = {
    "authors": Replay(lambda h: accsgd(h, "smallConst")),
    "jettify": Replay(lambda h: accsgd(h, "small_const")),
    "pytorch_optimizer": Replay(lambda h: accsgd(h, "constant")),
}
