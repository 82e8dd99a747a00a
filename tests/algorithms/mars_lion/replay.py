"""MARS-Lion: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

from algorithms.mars_adamw.replay import FACTOR, authors, pytorch_optimizer, routed, timm
from harness import Replay

import optax_zoo as zoo


def signed(h: dict[str, Any], hidden: zoo.Pipeline, rest: zoo.Pipeline) -> tuple[zoo.Pipeline, zoo.Pipeline]:
    """The sign in place of the denominator. A numerator with a mask has the sign of the average that it corrects."""
    lion = zoo.mars_lion(h["lr"], h["betas"][0], gamma=h["gamma"], weight_decay=h["weight_decay"]).slots["matrices"]
    numerator = hidden.slots["numerator"] if h.get("caution") or h.get("cautious") else lion.slots["numerator"]
    return lion.replace(gradient=hidden.slots["gradient"], numerator=numerator, decay=hidden.slots.get("decay")), rest


REPLAYS = {
    "authors": Replay(lambda h: routed(h, *signed(h, *authors(h)), most_axes=2), only={"mars_type": "mars-lion"}),
    "timm": Replay(lambda h: routed(h, *signed(h, *timm(h))), only={"mars_type": "lion"}),
    "pytorch_optimizer": Replay(
        lambda h: routed(h, *signed(h, *pytorch_optimizer(h))), only={"mars_type": "lion"}, unread=FACTOR
    ),
}
