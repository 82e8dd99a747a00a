"""Mechanic: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay

import optax_zoo as zoo

AUTHORS = {"optax"}  # its module says that the authors wrote it


def optax_sgd(h: dict[str, Any]) -> zoo.Pipeline:
    tx = zoo.sgd(h["learning_rate"])
    return tx.replace(momentum=zoo.trace(h["momentum"], nesterov=h["nesterov"])) if h["momentum"] else tx


def optax_adamw(h: dict[str, Any]) -> zoo.Pipeline:
    tx = zoo.adamw(h["learning_rate"], h["b1"], h["b2"], eps=h["eps"], eps_root=h["eps_root"])
    return tx.replace(decay=zoo.optional(zoo.decoupled_decay, h["weight_decay"]))


INNER = {"sgd": optax_sgd, "adamw": optax_adamw}


def mechanized(h: dict[str, Any]) -> optax.GradientTransformation:
    return zoo.mechanize(
        INNER[h["optimizer"]](h["inner"]),
        weight_decay=h["weight_decay"],
        eps=h["eps"],
        s_init=h["s_init"],
        num_betas=h["num_betas"],
    )


REPLAYS = {"optax": Replay(mechanized)}
NOT_REPLAYED = {
    "authors/s_init=0.001-smooth": "The package for PyTorch does not clip products, starts factors at 0 and the "
    "largest product at 1e-6, keeps rewards at 0 or above, and pulls to 0 from the parameters after the inner step.",
}
