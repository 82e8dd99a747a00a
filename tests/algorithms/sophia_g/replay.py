"""Sophia-G: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay
from sources import ascending, with_estimates

import optax_zoo as zoo


def authors(h: dict[str, Any], estimates: list[Any]) -> optax.GradientTransformation:
    """What is sampled after a step is squared before the next, and nothing before the first."""
    tx = zoo.sophia_g(
        h["lr"], *h["betas"], rho=h["rho"], batch_size=h["bs"], every=h["k"], weight_decay=h["weight_decay"]
    )
    return with_estimates(ascending(tx, h), [None, *estimates[:-1]])


REPLAYS = {"authors": Replay(authors, given=lambda case: {"estimates": case["estimates"]})}
