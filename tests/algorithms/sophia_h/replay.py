"""Sophia-H: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay
from sources import ascending, with_decay, with_estimates

import optax_zoo as zoo

DRAWN = "what is drawn is recorded"


def pytorch_optimizer(h: dict[str, Any], estimates: list[Any]) -> optax.GradientTransformation:
    tx = zoo.sophia_h(h["lr"], *h["betas"], gamma=1.0, every=h["update_period"], eps=h["eps"], weight_decay=None)
    tx = tx.replace(rescale=zoo.clip_by_value(h["p"]))
    return with_estimates(ascending(with_decay(tx, h, h["weight_decouple"], h["fixed_decay"]), h), estimates)


REPLAYS = {
    "pytorch_optimizer": Replay(
        pytorch_optimizer,
        given=lambda case: {"estimates": case["estimates"]},
        unread={"num_samples": DRAWN, "hessian_distribution": DRAWN},
    )
}
