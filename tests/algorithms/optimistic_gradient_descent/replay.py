"""Optimistic gradient descent: how each source's hyperparameters, under its own names (h), are said here."""

from harness import Replay

import optax_zoo as zoo

REPLAYS = {
    "optax": Replay(
        lambda h: zoo.optimistic_gradient_descent(h["learning_rate"] * h["alpha"], h["beta"] / h["alpha"]),
    ),
}
