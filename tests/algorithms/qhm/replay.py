"""QHM: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay
from sources import ascending, with_decay

import optax_zoo as zoo


def qhm(h: dict[str, Any]) -> zoo.Pipeline:
    """Without momentum the average is the gradient."""
    return zoo.qhm(h["lr"], h["momentum"], h["nu"]) if h["momentum"] else zoo.sgd(h["lr"])


def authors(h: dict[str, Any]) -> zoo.Pipeline:
    return with_decay(qhm(h), h, decoupled=h["weight_decay_type"] == "direct")


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    return ascending(with_decay(qhm(h), h, h["weight_decouple"], h["fixed_decay"]), h)


REPLAYS = {
    "authors": Replay(authors),
    "jettify": Replay(authors),
    "pytorch_optimizer": Replay(pytorch_optimizer),
}
