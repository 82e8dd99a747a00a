"""Lookahead: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

from harness import Replay
from sources import ascending, torch_sgd, with_decay

import optax_zoo as zoo


def torch_adamw(h: dict[str, Any]) -> zoo.Pipeline:
    row = zoo.amsgrad if h["amsgrad"] else zoo.adam
    tx = row(h["lr"], *h["betas"], eps=h["eps"])
    return ascending(with_decay(tx, h, decoupled=True), h)


FAST = {"SGD": torch_sgd, "AdamW": torch_adamw}


def fast_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    """The optimizer inside."""
    return FAST[h["optimizer"]](h)


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    fast = fast_optimizer(h)
    handling = {"none": None, "reset": 0.0, "pullback": h["alpha"]}[h["pullback_momentum"]]
    if handling is not None and "momentum" in fast.slots:  # only SGD's buffer has the name that it looks for
        fast = fast.replace(momentum=zoo.pulled_back(fast.slots["momentum"], h["k"], handling))
    return zoo.lookahead(fast, h["k"], h["alpha"])


def slow_weights(params: Any, state: Any, tx: zoo.Pipeline) -> Any:
    return zoo.evaluation_params(tx, state, params)


REPLAYS = {
    "jettify": Replay(lambda h: zoo.lookahead(fast_optimizer(h), h["k"], h["alpha"], seeded="first_step")),
    "pytorch_optimizer": Replay(pytorch_optimizer, evaluated=slow_weights),
}
