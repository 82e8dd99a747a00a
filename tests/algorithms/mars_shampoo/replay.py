"""MARS-Shampoo: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

from algorithms.mars_adamw.replay import FACTOR, ascending, authors, of_raw_gradient, pytorch_optimizer
from harness import Replay

import optax_zoo as zoo


def shampoo(h: dict[str, Any], hidden: zoo.Pipeline, rest: zoo.Pipeline, most_axes: int | None = None) -> Any:
    """With `optimize_1d` what is no matrix takes the steps of MARS-AdamW."""
    tx = zoo.mars_shampoo(
        h["lr"],
        h["betas"][0],
        gamma=h["gamma"],
        eps=h["eps"],
        rest=hidden if h["optimize_1d"] else rest,
        by=zoo.matrices(most_axes=most_axes),
        outputs="first",
    )
    if h.get("cautious"):
        average = zoo.serial(average=zoo.trace(h["betas"][0]), mask=of_raw_gradient(zoo.cautious(None)))
        tx = tx.replace(matrices={"numerator": average})
    same = {slot: hidden.slots.get(slot) for slot in ("gradient", "decay")}
    return ascending(tx.replace(matrices=same), h)


REPLAYS: dict[str, Replay] = {
    "authors": Replay(lambda h: shampoo(h, *authors(h), most_axes=2), only={"mars_type": "mars-shampoo"}),
    "pytorch_optimizer": Replay(
        lambda h: shampoo(h, *pytorch_optimizer(h)),
        only={"mars_type": "shampoo"},
        unread=FACTOR,
        tolerance=5e-2,
        why="it computes the Newton-Schulz iterations in bfloat16, here they are in float64",
    ),
}
