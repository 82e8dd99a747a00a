"""MoMo: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

from harness import Replay

import optax_zoo as zoo


def authors(h: dict[str, Any]) -> zoo.Pipeline:
    return zoo.momo(
        h["lr"],
        h["beta"],
        loss_min=h["lb"],
        adapt_loss_min=h["use_fstar"],
        bias_correction=h["bias_correction"],
        weight_decay=h["weight_decay"],
    )


def decay_of_parameters(tx: zoo.Pipeline, h: dict[str, Any]) -> zoo.Pipeline:
    """optax's decay, p / (1 + rate weight_decay), which leaves the step as it is."""
    decay = h["weight_decay"]
    return tx.replace(decay=zoo.optional(zoo.decoupled_decay, decay / (1 + h["learning_rate"] * decay)))


def optax_momo(h: dict[str, Any]) -> zoo.Pipeline:
    tx = zoo.momo(
        h["learning_rate"],
        h["beta"],
        loss_min=h["lower_bound"],
        adapt_loss_min=h["adapt_lower_bound"],
        weight_decay=h["weight_decay"],
    )
    return decay_of_parameters(tx, h)


REPLAYS = {"authors": Replay(authors), "optax": Replay(optax_momo)}
