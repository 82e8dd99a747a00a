"""Gravity: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

from harness import Replay, tree
from sources import keras_rate

import optax_zoo as zoo


def recorded_velocity(state: dict[str, Any], case: dict[str, Any]) -> dict[str, Any]:
    velocity = tree(case["initial_state"]["velocity"], case["dtype"])
    return {**state, "momentum": state["momentum"]._replace(value=velocity)}


def keras_gravity(h: dict[str, Any]) -> zoo.Pipeline:
    return zoo.gravity(keras_rate(h), h["alpha"], h["beta"])


NEVER_USED = {"epsilon": "it is stored, and never used"}
RECORDED = "it is of the first velocity alone, which is recorded"


REPLAYS = {
    "keras": Replay(keras_gravity, recorded_velocity, unread=NEVER_USED),
    "keras-f64": Replay(keras_gravity, recorded_velocity, unread=NEVER_USED),
    "torch": Replay(
        lambda h: zoo.gravity(h["lr"]).replace(momentum=zoo.ema(zoo.growing_decay(h["beta"], start=h["t"] + 1))),
        recorded_velocity,
        unread={"alpha": RECORDED},
    ),
}

AUTHORS = {"keras", "keras-f64", "torch"}
