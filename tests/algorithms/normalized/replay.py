"""Normalized gradients: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

from algorithms.adam.replay import adam_with_uncorrected_root
from harness import Replay

import optax_zoo as zoo


def keras_inner(h: dict[str, Any]) -> zoo.Pipeline:
    if h["inner"] == "SGD":
        assert h["nesterov"]
        return zoo.nag(h["lr"], h["momentum"])
    return adam_with_uncorrected_root(h["lr"], h["beta_1"], h["beta_2"], eps=h["epsilon"])


def keras_eps(norm: str) -> float:
    """K.epsilon() is added to every norm; l1_l2 is the mean of two that have it already."""
    return 2e-7 if norm == "l1_l2" else 1e-7


REPLAYS = {
    "normalized": Replay(
        lambda h: zoo.normalized(keras_inner(h), h["normalization"], eps=keras_eps(h["normalization"]))
    ),
}
