"""AdaGrad with D-Adaptation: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from algorithms.dadapt_sgd.replay import decaying_primal_average
from harness import Replay
from sources import ascending

import optax_zoo as zoo


def authors(h: dict[str, Any]) -> zoo.Pipeline:
    return zoo.dadapt_adagrad(
        h["lr"],
        h["momentum"],
        eps=h["eps"],
        weight_decay=h["weight_decay"],
        d0=h["d"],
        growth_rate=h["growth_rate"],
    )


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    """Its decoupled decay follows lr alone."""
    decoupled, fixed = h["weight_decouple"] and h["weight_decay"], h["fixed_decay"]
    tx = authors({**h, "weight_decay": None if decoupled else h["weight_decay"]})
    if decoupled:
        average = decaying_primal_average(h["momentum"], h["weight_decay"], 1.0 if fixed else h["lr"])
        tx = tx.replace(velocity=None, iterate=average)
    return ascending(tx, h)


ROUNDED = dict(
    tolerance=1e-8,
    where=lambda h: h["d"] < 1e-4,
    why="steps begin at 1e-6 beside parameters of order 1, which round them to 1e-10.",
)
UNREAD = {name: "sums before the first step, 0" for name in ("gsq_weighted", "sksq_weighted", "skl1")}
REPLAYS = {
    "authors": Replay(authors, unread=UNREAD, **ROUNDED),
    "pytorch_optimizer": Replay(pytorch_optimizer, **ROUNDED),
}
