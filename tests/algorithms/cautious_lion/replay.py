"""Cautious Lion: how the source's hyperparameters, under its own names (h), are said here."""

from harness import Replay

import optax_zoo as zoo

REPLAYS = {"authors": Replay(lambda h: zoo.cautious_lion(h["lr"], *h["betas"], weight_decay=h["weight_decay"]))}
