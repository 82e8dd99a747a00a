"""RangerVA: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
from harness import Replay

import optax_zoo as zoo


def jettify(h: dict[str, Any]) -> zoo.Pipeline:
    """Absolute values enter the average in its second update; without softplus the rate is multiplied by itself."""
    rate, (b1, b2), eps, largest = h["lr"], h["betas"], h["eps"], h["amsgrad"]
    tx = zoo.rangerva(
        rate, b1, b2, softness=h["smooth"], every=h["k"], alpha=h["alpha"], weight_decay=h["weight_decay"]
    )
    square = h["grad_transformer"] == "square"

    def statistic(x: jax.Array) -> jax.Array:
        return zoo.square(x) if square else (b2 * zoo.square(x) + zoo.absolute(x)) / (1 + b2)

    average = zoo.ema(b2 * b2, of=statistic)
    if h["transformer"] != "softplus":
        decay = zoo.optional(zoo.decoupled_decay, h["weight_decay"] / rate)
        return tx.replace(denominator=zoo.root(average, eps=eps), learning_rate=rate * rate, decay=decay)
    scale = zoo.running_max(average) if largest else average
    power = 1 if square else 2  # of absolute values it takes no root
    return tx.replace(denominator=zoo.root(scale, eps=0.0, power=power, softplus=h["smooth"]))


REPLAYS = {
    "jettify": Replay(
        jettify,
        arithmetic="float32",
        tolerance=5e-5,
        why="its slow weights are float64, what is between them float32",
        unread={"step_counter": "steps are counted elsewhere.", "n_sma_threshhold": "it does not rectify."},
    )
}
