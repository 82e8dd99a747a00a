"""A2Grad-uni: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import jax.numpy as jnp
from harness import Replay
from sources import ascending

import optax_zoo as zoo

RATE = {"lr": "the source has no rate"}


@zoo.primitive
def accelerated_ahead(h: dict[str, Any]) -> zoo.Rule:
    """pytorch_optimizer's iterate counts steps from 2, but for the mean, and takes the root of t v for "inc", too."""
    variant, rho = h.get("variant", "uni"), h.get("rho", 0.5)

    def init(params: Any) -> Any:
        def scalars() -> Any:
            return jax.tree.map(lambda p: jnp.zeros((), p.dtype), params)

        mean = jax.tree.map(jnp.zeros_like, params)
        return {"base": params, "mean": mean, "v": scalars(), "s": scalars(), "count": jnp.zeros((), jnp.int32)}

    def update(u: Any, state: Any, params: Any, *, gradient: Any, **extra_args: Any) -> Any:
        t = (state["count"] + 1) * 1.0
        mean = jax.tree.map(lambda m, g: m + (g - m) / t, state["mean"], gradient)
        square = jax.tree.map(lambda g, m: jnp.sum((g - m) ** 2), gradient, mean)
        s = jax.tree.map(lambda s, d: rho * s + (1 - rho) * d, state["s"], square)
        if variant == "exp":
            v = jax.tree.map(jnp.maximum, state["v"], s)
        else:
            kept = (t / (t + 1)) ** 2 if variant == "inc" else 1
            v = jax.tree.map(lambda v, d: kept * v + d, state["v"], square)
        growth = 1 if variant == "uni" else jnp.sqrt(t + 1)
        step = jax.tree.map(lambda x, v: x / (2 * h["lips"] / (t + 1) + h["beta"] * growth * jnp.sqrt(v)), u, v)
        base = jax.tree.map(jnp.add, state["base"], step)
        share, before = 2 / (t + 3), jnp.where(t == 1, 1, 2 / (t + 2))
        moved = jax.tree.map(lambda x, p, d: share * (x - p) + (1 - share) * before * d, base, params, step)
        return moved, {"base": base, "mean": mean, "v": v, "s": s, "count": state["count"] + 1}

    return zoo.Rule(init, update, needs=("params",))


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    tx = zoo.a2grad_uni(beta=h["beta"], lipschitz=h["lips"]).replace(iterate=accelerated_ahead(h))
    return ascending(tx, h)


REPLAYS = {
    "jettify": Replay(lambda h: zoo.a2grad_uni(beta=h["beta"], lipschitz=h["lips"]), unread=RATE),
    "pytorch_optimizer": Replay(pytorch_optimizer, unread=RATE),
}
