"""Apollo, the quasi-Newton method: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
import sources
from harness import Replay

import optax_zoo as zoo


def warming(first: float, rate: float, steps: int, offset: int) -> optax.Schedule:
    """From one rate to another in so many steps, counted from 0 or 1."""

    def now(count: jax.Array) -> jax.Array:
        step = count + offset
        return jnp.where(step >= steps, rate, (rate - first) * step / max(steps, 1) + first)

    return now


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    """Its warm-up of 500 steps is not among the recorded hyperparameters."""
    kind, coefficient, belief = h["weight_decay_type"], h["weight_decay"], h["rebound"] == "belief"
    first = h["lr"] / 1000 if h["init_lr"] is None else h["init_lr"]
    tx = zoo.apollo_dqn(
        warming(first, h["lr"], h.get("warmup_steps", 500), 1),
        h["beta"],
        rebound="belief" if belief else 0.01,
        eps=h["eps"],
        weight_decay=coefficient if kind == "l2" else None,
    )
    if coefficient and kind != "l2":
        direction = zoo.quasi_newton(
            h["beta"],
            rebound="belief" if belief else 0.01,
            eps=h["eps"],
            weight_decay=coefficient,
            relative_decay=kind == "stable",
        )
        tx = tx.replace(numerator=direction)
    return sources.ascending(tx, h)


def jettify(h: dict[str, Any]) -> zoo.Pipeline:
    rate = warming(h["init_lr"], h["lr"], h["warmup"], 0)
    return zoo.apollo_dqn(rate, h["beta"], rebound=1.0, eps=h["eps"], weight_decay=h["weight_decay"])


REPLAYS = {
    "pytorch_optimizer": Replay(pytorch_optimizer),
    "jettify": Replay(jettify, unread={"base_lr": "it is lr"}),
}
