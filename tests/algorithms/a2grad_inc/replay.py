"""A2Grad-inc: how the source's hyperparameters, under its own names (h), are said here."""

from algorithms.a2grad_uni.replay import RATE
from harness import Replay

import optax_zoo as zoo

REPLAYS = {"jettify": Replay(lambda h: zoo.a2grad_inc(beta=h["beta"], lipschitz=h["lips"]), unread=RATE)}
