"""Averages of parameters: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

from algorithms.lookahead.replay import fast_optimizer
from harness import Replay

import optax_zoo as zoo


def torch(h: dict[str, Any]) -> zoo.Pipeline:
    """The average starts from the first parameters that it is shown."""
    return zoo.averaged(fast_optimizer(h), h["decay"], seeded="first_step", begin=h["begin"], every=h["every"])


def average(params: Any, state: Any, tx: zoo.Pipeline) -> Any:
    return zoo.evaluation_params(tx, state, params)


REPLAYS = {"torch": Replay(torch, evaluated=average)}
