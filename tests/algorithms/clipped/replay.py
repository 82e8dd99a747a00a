"""Clipped gradients: how each source's hyperparameters, under its own names (h), are said here."""

from algorithms.normalized.replay import keras_eps, keras_inner
from harness import Replay

import optax_zoo as zoo

REPLAYS = {
    "clipped": Replay(
        lambda h: zoo.clipped(keras_inner(h), h["normalization"], h["clipnorm"], eps=keras_eps(h["normalization"]))
    ),
}
