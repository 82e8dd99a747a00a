"""Schedule-free RAdam: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

from algorithms.schedule_free_adamw.replay import evaluated
from harness import Replay
from sources import ascending

import optax_zoo as zoo


def authors(h: dict[str, Any], first_rate: float | None = None) -> zoo.Pipeline:
    """Where the first steps are not silent, they are of the gradient, at the rate or at one of their own."""
    share = 1.0 if first_rate is None else first_rate / h["lr"]
    return zoo.schedule_free_radam(
        h["lr"],
        *h["betas"],
        eps=h["eps"],
        otherwise=0.0 if h["silent_sgd_phase"] else share,
        weight_decay=h["weight_decay"],
        r=h["r"],
        weight_lr_power=h["weight_lr_power"],
    )


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    return ascending(authors(h, first_rate=1.0), h)


REPLAYS = {
    "authors": Replay(authors, evaluated=evaluated),
    "pytorch_optimizer": Replay(
        pytorch_optimizer, evaluated=evaluated, unread={"use_palm": "it is kept for another of its rows."}
    ),
}
