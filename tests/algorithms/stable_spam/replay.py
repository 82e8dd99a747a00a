"""Stable-SPAM: how the source's hyperparameters, under its own names (h), are said here."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from harness import Replay
from sources import ascending

import optax_zoo as zoo


def standing_without_gradient(tx: zoo.Pipeline) -> optax.GradientTransformation:
    """A leaf whose gradient is all 0 does nothing but decay, and keeps its averages, but for the largest element's."""
    decay = tx.slots.get("decay") or zoo.serial()

    def update(g: Any, state: Any, params: Any) -> Any:
        u, after = tx.update(g, state, params)
        still = {name: jnp.all(x == 0) for name, x in g.items()}

        def kept(path: Any, new: Any, old: Any) -> Any:
            names = [getattr(entry, "key", getattr(entry, "name", None)) for entry in path]
            leaf = names[-1] if names[-1] in still and "largest" not in names else None
            return jnp.where(still[leaf], old, new) if leaf else new

        decays, _ = decay.update(jax.tree.map(jnp.zeros_like, g), {}, params, learning_rate=tx.slots["learning_rate"])
        u = {name: jnp.where(still[name], decays[name], x) for name, x in u.items()}
        return u, jax.tree_util.tree_map_with_path(kept, after, state)

    return optax.GradientTransformation(tx.init, update)


def cosine(t_max: int, eta_min: float) -> Callable[[Any], Any]:
    """`CosineAnnealingLR`, of which the first value is that of its second step."""

    def scale(count: Any) -> Any:
        t, period = count + 1, t_max + 1
        share = (1 + jnp.cos(jnp.pi * (t + 1) / period)) / (1 + jnp.cos(jnp.pi / period))
        return jnp.where(t < t_max, eta_min + (1 - eta_min) * share, eta_min)

    return scale


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    (b1, b2), every, t_max = h["betas"], h.get("update_proj_gap", 1000), h.get("t_max")
    gamma1 = h.get("gamma1", 0.7)
    gamma1 = b1 if gamma1 == -1 else gamma1
    names = {"gamma2": h.get("gamma2", 0.9), "theta": h.get("theta", 0.999), "restart_every": every, "eps": h["eps"]}
    tx = zoo.stable_spam(h["lr"], b1, b2, gamma1=gamma1, weight_decay=h["weight_decay"], **names)
    if t_max is not None:
        scale = cosine(t_max, h.get("eta_min", 0.5))

        def inverse_weight(count: Any) -> Any:
            since = jnp.where(count + 1 < every, count + 1, (count + 1) % every + 1)
            return 1 / (1 - (b1 * scale(count)) ** since)

        stabilized = zoo.stable_spam(gamma1=lambda count: gamma1 * scale(count), **names).slots["gradient"]
        average = zoo.restarted(zoo.ema(lambda count: b1 * scale(count)), every)
        tx = tx.replace(gradient=stabilized, numerator=zoo.scaled(inverse_weight, average))
    return standing_without_gradient(ascending(tx, h))


REPLAYS = {"pytorch_optimizer": Replay(pytorch_optimizer)}
