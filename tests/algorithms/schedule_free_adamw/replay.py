"""Schedule-free AdamW: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

from harness import Replay

import optax_zoo as zoo


def evaluated(params: Any, state: Any, tx: zoo.Pipeline) -> Any:
    return zoo.evaluation_params(tx, state, params)


def authors(h: dict[str, Any], **others: Any) -> zoo.Pipeline:
    return zoo.schedule_free_adamw(
        h["lr"],
        *h["betas"],
        eps=h["eps"],
        weight_decay=h["weight_decay"],
        warmup_steps=h["warmup_steps"],
        r=h["r"],
        weight_lr_power=h["weight_lr_power"],
        **others,
    )


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    """It adds 1e-15 inside the root, and can take the largest corrected average so far."""
    tx = authors(h, eps_root=1e-15, decoupling=h["decoupling_c"] or None)
    if not h["ams_bound"]:
        return tx
    largest = zoo.running_max(zoo.debiased(zoo.ema(h["betas"][1], of=zoo.square)))
    return tx.replace(denominator=zoo.root(largest, eps=h["eps"], eps_root=1e-15))


REPLAYS = {
    "authors": Replay(authors, evaluated=evaluated),
    "pytorch_optimizer": Replay(
        pytorch_optimizer, evaluated=evaluated, unread={"use_palm": "it is stored, and never used"}
    ),
}
