"""Momentum: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay

import optax_zoo as zoo


def torch_momentum(h: dict[str, Any]) -> optax.GradientTransformation:
    undamped_start = zoo.trace(h["momentum"], dampening=h["dampening"], seeded="first_step")
    outside = zoo.momentum(h["lr"], h["momentum"], rate_inside=False, weight_decay=h["weight_decay"])
    return outside.replace(momentum=undamped_start) if h["dampening"] else outside


REPLAYS = {
    "chainer": Replay(lambda h: zoo.momentum(h["lr"], h["momentum"])),
    "keras2": Replay(lambda h: zoo.momentum(h["lr"], h["momentum"])),
    "seed": Replay(lambda h: zoo.momentum(h["eta"], h["mu"], dampening=h["mu"])),
    "torch": Replay(torch_momentum),
}
