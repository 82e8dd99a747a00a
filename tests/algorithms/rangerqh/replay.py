"""RangerQH: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
from algorithms.qhadam.replay import authors as qhadam
from harness import Replay

import optax_zoo as zoo


def jettify(h: dict[str, Any]) -> zoo.Pipeline:
    return qhadam(h).replace(iterate=zoo.lookahead_steps(h.get("k", 6), h.get("alpha", 0.5)))


def from_decayed_weights(state: Any, case: dict[str, Any]) -> Any:
    """With decoupled decay the slow weights start from parameters that have decayed once."""
    h = case["hyperparameters"]
    kept = 1 - h["lr"] * h["weight_decay"] if h["decouple_weight_decay"] else 1
    slow = jax.tree.map(lambda p: kept * p, state["iterate"].slow)
    return {**state, "iterate": state["iterate"]._replace(slow=slow)}


REPLAYS = {"jettify": Replay(jettify, start=from_decayed_weights)}
