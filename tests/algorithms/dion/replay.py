"""Dion: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from harness import Replay

import optax_zoo as zoo


def authors(h: dict[str, Any]) -> zoo.Route:
    """The simple form of their code, whose leaves are matrices, with the orthonormal factor on the side of outputs."""
    return zoo.dion(
        h["lr"],
        h["mu"],
        rank=h["rank"],
        factorization="qr",
        side="outputs",
        eps=h["epsilon"],
        weight_decay=h["weight_decay"],
        rest=zoo.adamw(h["lr"], *h.get("betas", (0.9, 0.95)), eps=h["epsilon"], weight_decay=h["weight_decay"]),
        outputs="first",
    )


def recorded_right(state: Any, case: dict[str, Any]) -> Any:
    """The state with the right factors that the source drew; here the axis of the rank is where the outputs are."""
    right = {leaf: jnp.asarray(np.array(q).T) for leaf, q in case["initial_state"]["Q"].items()}
    numerator = state["matrices"]["numerator"]._replace(right=right)
    return {**state, "matrices": {**state["matrices"], "numerator": numerator}}


REPLAYS = {"authors": Replay(authors, start=recorded_right)}
