"""AdaMax: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay
from sources import ascending, keras_rate, with_decay

import optax_zoo as zoo


def torch(h: dict[str, Any]) -> optax.GradientTransformation:
    tx = zoo.adamax(h["lr"], *h["betas"], eps_max=h["eps"], weight_decay=h["weight_decay"])
    return ascending(tx, h)


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    """`adam_debias` leaves the average as it is."""
    tx = zoo.adamax(h["lr"], *h["betas"], eps_max=h["eps"])
    if h.get("adam_debias"):
        tx = tx.replace(numerator=zoo.ema(h["betas"][0]))
    return ascending(with_decay(tx, h, h["weight_decouple"], h["fixed_decay"]), h)


REPLAYS = {
    "keras2": Replay(lambda h: zoo.adamax(keras_rate(h), h["beta_1"], h["beta_2"], eps=h["epsilon"], eps_max=0.0)),
    "pytorch_optimizer": Replay(pytorch_optimizer),
    "seed": Replay(lambda h: zoo.adamax(h["alpha"], h["beta1"], h["beta2"], eps_max=0.0)),
    "torch": Replay(torch),
}
