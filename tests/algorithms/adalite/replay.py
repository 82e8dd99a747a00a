"""Adalite: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

from harness import Replay
from sources import ascending, with_decay

import optax_zoo as zoo


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    tx = zoo.adalite(
        h["lr"],
        *h["betas"],
        eps_root=h["eps1"],
        tau=h["tau"],
        min_sum=h["eps2"],
        min_norm=h["g_norm_min"],
        min_ratio=h["ratio_min"],
        weight_decay=None,
        outputs="first",
    )
    if h["weight_decay"] and not h["weight_decouple"]:  # before the gradient is made as long as the parameters
        decay = zoo.coupled_decay(h["weight_decay"])
        return ascending(tx.replace(gradient=zoo.serial(decay=decay, ratio=tx.slots["gradient"])), h)
    return ascending(with_decay(tx, h, decoupled=True, fixed=h["fixed_decay"]), h)


REPLAYS = {"pytorch_optimizer": Replay(pytorch_optimizer)}
