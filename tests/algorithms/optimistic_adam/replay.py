"""Optimistic Adam: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

from harness import Replay

import optax_zoo as zoo


def optax(h: dict[str, Any]) -> zoo.Pipeline:
    """Version 2; in the first, which has `optimism`, that counts beside the rate, not times it."""
    rate = h["learning_rate"]
    if "optimism" in h:
        return made(h, rate, 1.0 if h["optimism"] is None else h["optimism"] / rate)
    return made(h, rate * h["alpha"], h["beta"] / h["alpha"])


def made(h: dict[str, Any], rate: float, optimism: float) -> zoo.Pipeline:
    tx = zoo.optimistic_adam(rate, h["b1"], h["b2"], optimism=optimism, eps=h["eps"], eps_root=h["eps_root"])
    return tx.replace(numerator=zoo.nesterov_ema(h["b1"])) if h["nesterov"] else tx


REPLAYS = {"optax": Replay(optax, unread={"mu_dtype": "the parameters are float64, and so is the average"})}
