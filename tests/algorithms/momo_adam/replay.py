"""MoMo-Adam: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

from algorithms.momo.replay import decay_of_parameters
from harness import Replay

import optax_zoo as zoo


def authors(h: dict[str, Any]) -> zoo.Pipeline:
    tx = zoo.momo_adam(
        h["lr"],
        *h["betas"],
        eps=h["eps"],
        loss_min=h["lb"],
        adapt_loss_min=h["use_fstar"],
        weight_decay=h["weight_decay"],
    )
    return tx if h["divide"] else tx.replace(decay=zoo.optional(zoo.decoupled_decay, h["weight_decay"]))


def optax_momo_adam(h: dict[str, Any]) -> zoo.Pipeline:
    tx = zoo.momo_adam(
        h["learning_rate"],
        h["b1"],
        h["b2"],
        eps=h["eps"],
        loss_min=h["lower_bound"],
        adapt_loss_min=h["adapt_lower_bound"],
        weight_decay=h["weight_decay"],
    )
    return decay_of_parameters(tx, h)


REPLAYS = {"authors": Replay(authors), "optax": Replay(optax_momo_adam)}
