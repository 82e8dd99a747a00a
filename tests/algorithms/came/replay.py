"""CAME: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

from harness import Replay
from sources import ascending, with_decay

import optax_zoo as zoo


def authors(h: dict[str, Any]) -> zoo.Pipeline:
    eps, eps_instability = h["eps"]
    return zoo.came(
        h["lr"],
        *h["betas"],
        eps=eps,
        eps_instability=eps_instability,
        clip_threshold=h["clip_threshold"],
        weight_decay=h["weight_decay"],
    )


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    """With `ams_bound` it takes the root of the largest root."""
    clip_threshold, b2 = h.get("clip_threshold", 1.0), h["betas"][1]
    tx = zoo.came(h["lr"], *h["betas"], eps=h["eps1"], eps_instability=h["eps2"], clip_threshold=clip_threshold)
    if h["ams_bound"]:
        largest = zoo.scaled(1 / b2, zoo.running_max(tx.slots["denominator"]))
        tx = tx.replace(denominator=zoo.root(largest, eps=0.0))
    return ascending(with_decay(tx, h, h["weight_decouple"], h["fixed_decay"]), h)


REPLAYS = {
    "authors": Replay(authors),
    "pytorch_optimizer": Replay(pytorch_optimizer),
}
