"""SaRA: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import sources
from harness import Replay

import optax_zoo as zoo


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    again = h["progressive_iter"]
    tx = zoo.sara(
        h["lr"],
        *h["betas"],
        threshold=h["threshold"],
        again_after=again if again >= 0 else None,
        eps=h["eps"],
        weight_decay=h["weight_decay"],
    )
    if h["ams_bound"]:
        largest = zoo.running_max(zoo.ema(h["betas"][1], of=zoo.square))
        tx = tx.replace(denominator=zoo.root(zoo.debiased(largest), eps=h["eps"]))
    return sources.ascending(tx, h)


REPLAYS = {
    "pytorch_optimizer": Replay(
        pytorch_optimizer,
        unread={"lambda_rank": "it acts on matrices of more than 64 rows and columns, which no case has"},
    )
}
