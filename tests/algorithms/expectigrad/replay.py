"""Expectigrad: how each source's hyperparameters, under its own names (h), are said here."""

from harness import Replay

import optax_zoo as zoo

REPLAYS = {
    "tensorflow1": Replay(
        lambda h: zoo.expectigrad(h["learning_rate"], h["beta"], eps=h["epsilon"], sparse_counter=h["sparse_counter"])
    ),
    "tensorflow2": Replay(
        lambda h: zoo.expectigrad(h["learning_rate"], h["beta"], eps=h["epsilon"], sparse_counter=h["sparse_counter"]),
        unread={"use_momentum": "whether beta is above 0"},
    ),
    "torch": Replay(lambda h: zoo.expectigrad(h["lr"], h["beta"], eps=h["eps"], sparse_counter=h["sparse_counter"])),
}

AUTHORS = {"tensorflow1", "tensorflow2", "torch"}
