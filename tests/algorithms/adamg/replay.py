"""AdamG: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay
from sources import ascending

import optax_zoo as zoo


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    """The factor and the power of the weight are not recorded where they are the defaults."""
    coefficient, fixed = h["weight_decay"], h["fixed_decay"]
    tx = zoo.adamg(h["lr"], *h["betas"], p=h.get("p", 0.2), q=h.get("q", 0.24), eps=h["eps"])
    if not h["weight_decouple"]:
        tx = tx.replace(gradient=zoo.optional(zoo.coupled_decay, coefficient))
    elif coefficient:
        tx = tx.replace(decay=optax.add_decayed_weights(-coefficient * (1 if fixed else h["lr"])))
    return ascending(tx, h)


REPLAYS = {"pytorch_optimizer": Replay(pytorch_optimizer)}
