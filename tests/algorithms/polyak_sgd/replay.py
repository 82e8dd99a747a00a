"""Polyak's rate: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay

import optax_zoo as zoo


def optax_polyak_sgd(h: dict[str, Any]) -> zoo.Pipeline:
    """`scaling` scales the gradient before its norm is taken."""
    tx = zoo.polyak_sgd(h["max_learning_rate"], loss_min=h["f_min"], eps=h["eps"], negative=h["variant"] == "sps")
    return tx if h["scaling"] == 1 else tx.replace(gradient=optax.scale(h["scaling"]))


REPLAYS = {"optax": Replay(optax_polyak_sgd)}
