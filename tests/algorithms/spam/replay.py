"""SPAM: how the source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from harness import Replay
from sources import ascending, refuse

import optax_zoo as zoo


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    """The warm-up is one step ahead, and the decay does not follow it. Random masks (`density`) are not said."""
    if h.get("density", 1.0) < 1:
        refuse(h, "density")
    every, steps, rate = h.get("update_proj_gap", 500), h.get("warmup_epoch", 50), h["lr"]

    def share(count: jax.Array) -> jax.Array:
        since = (count + 1) % every
        missing = 0.99 * (1 + jnp.cos(jnp.pi * (since + 1) / (steps + 1))) / 2
        return 1 - jnp.where((count + 1 < every) | (since >= steps), 0, missing)

    threshold, pause, weight_decay = h.get("threshold", 5000), h.get("grad_accu_steps", 20), h["weight_decay"]
    tx = zoo.spam(rate, *h["betas"], threshold=threshold or 1.0, pause=pause, restart_every=every, eps=h["eps"])
    decay = zoo.decoupled_decay(lambda count: weight_decay / share(count), of_new=True) if weight_decay else None
    tx = tx.replace(learning_rate=lambda count: rate * share(count), decay=decay)
    return ascending(tx if threshold else tx.replace(gradient=None), h)


REPLAYS = {"pytorch_optimizer": Replay(pytorch_optimizer)}
