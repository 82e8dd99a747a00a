"""Grokfast with AdamW: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from harness import Replay
from sources import ascending, with_decay

import optax_zoo as zoo


@zoo.primitive
def filter_after(steps: int, decay: float, amplification: float, coupled: float) -> zoo.Rule:
    """A filter that begins later, with the first gradient of all, and that without coupled decay."""

    def init(params: Any) -> Any:
        return {"slow": jax.tree.map(jnp.zeros_like, params), "count": jnp.zeros((), jnp.int32)}

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        count = state["count"]
        begun = count >= steps
        before = jax.tree.map(lambda s, g, p: jnp.where(count == 0, g - coupled * p, s), state["slow"], updates, params)
        slow = jax.tree.map(lambda s, g: jnp.where(begun, decay * s + (1 - decay) * g, s), before, updates)
        filtered = jax.tree.map(lambda g, s: jnp.where(begun, g + amplification * s, g), updates, slow)
        return filtered, {"slow": slow, "count": count + 1}

    return zoo.Rule(init, update, needs=("params",))


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    """The recorded rate has been normalized."""
    decay, amplification, steps = h["grokfast_alpha"], h["grokfast_lamb"], h["grokfast_after_step"]
    tx = zoo.grokfast_adamw(
        h["lr"], *h["betas"], slow_decay=decay, amplification=amplification, normalize_rate=False, eps=h["eps"]
    )
    coupled = 0.0 if h["weight_decouple"] else h["weight_decay"]
    slow = tx.slots["gradient"]
    if steps > 0 or coupled:
        slow = filter_after(steps, decay, amplification, coupled)
    if not h["grokfast"] or amplification <= 0:
        slow = None
    tx = with_decay(tx.replace(gradient=None), h, h["weight_decouple"], h["fixed_decay"])
    return ascending(tx.replace(gradient=zoo.in_series(decay=tx.slots.get("gradient"), slow=slow)), h)


REPLAYS = {"pytorch_optimizer": Replay(pytorch_optimizer)}
