"""PNM: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay
from sources import ascending, with_decay

import optax_zoo as zoo


def authors(h: dict[str, Any]) -> zoo.Pipeline:
    return with_decay(zoo.pnm(h["lr"], *h["betas"]), h, h["decoupled"])


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    return ascending(with_decay(zoo.pnm(h["lr"], *h["betas"]), h, h["weight_decouple"], h["fixed_decay"]), h)


REPLAYS = {"authors": Replay(authors), "pytorch_optimizer": Replay(pytorch_optimizer)}
