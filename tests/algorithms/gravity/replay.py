"""Gravity: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

from harness import Replay, tree

import optax_zoo as zoo


def recorded_velocity(state: dict[str, Any], case: dict[str, Any]) -> dict[str, Any]:
    velocity = tree(case["initial_state"]["velocity"], case["dtype"])
    return {**state, "momentum": state["momentum"]._replace(value=velocity)}


def keras_gravity(h: dict[str, Any]) -> zoo.Pipeline:
    return zoo.gravity(h["learning_rate"], h["alpha"], h["beta"])


REPLAYS = {
    "keras": Replay(keras_gravity, recorded_velocity),
    "keras-f64": Replay(keras_gravity, recorded_velocity),
    "torch": Replay(
        lambda h: zoo.gravity(h["lr"]).replace(momentum=zoo.ema(zoo.growing_decay(h["beta"], start=1))),
        recorded_velocity,
    ),
}

AUTHORS = {"keras", "keras-f64", "torch"}
