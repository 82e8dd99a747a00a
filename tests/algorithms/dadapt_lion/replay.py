"""Lion with D-Adaptation: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay
from sources import ascending

import optax_zoo as zoo


def authors(h: dict[str, Any]) -> zoo.Pipeline:
    return zoo.dadapt_lion(h["lr"], *h["betas"], weight_decay=h["weight_decay"], d0=h["d"])


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    tx, coefficient, fixed = authors({**h, "weight_decay": None}), h["weight_decay"], h["fixed_decay"]
    if not h["weight_decouple"]:
        tx = tx.replace(gradient=zoo.optional(zoo.coupled_decay, coefficient))
    elif coefficient:
        tx = tx.replace(decay=optax.add_decayed_weights(-coefficient) if fixed else zoo.decoupled_decay(coefficient))
    return ascending(tx, h)


REPLAYS = {"authors": Replay(authors), "pytorch_optimizer": Replay(pytorch_optimizer)}
