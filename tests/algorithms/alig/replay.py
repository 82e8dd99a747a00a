"""ALI-G: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay
from sources import ascending, refuse

import optax_zoo as zoo


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    refuse(h, "projection_fn")
    largest = h["max_lr"]
    tx = zoo.alig(largest or 1.0, h["momentum"], rate_inside=not h["adjusted_momentum"])
    if largest is None:
        tx = tx.replace(learning_rate=zoo.polyak_rate(None, eps=1e-6, negative=True, of_gradient=True))
    return ascending(tx, h)


REPLAYS = {
    "pytorch_optimizer": Replay(
        pytorch_optimizer, tolerance=5e-7, why="the norm of the gradients is taken in single precision."
    )
}
