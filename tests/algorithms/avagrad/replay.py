"""AvaGrad: how the source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import jax.numpy as jnp
from harness import Replay
from sources import ascending, with_decay

import optax_zoo as zoo


@zoo.primitive
def normalize_late(b2: float, eps: float) -> zoo.Rule:
    """Elementwise rates over the size of those of the step before, found anew with the correction of that step."""

    def update(rates: Any, state: Any, params: Any = None, *, states_before: Any, **extra_args: Any) -> Any:
        count, size = state
        before = jax.tree.leaves(zoo.moment(states_before, "denominator"))
        weight = 1 - b2 ** (count + 1)
        inverse = jnp.concatenate([1 / (jnp.sqrt(v.ravel() / weight) + eps) for v in before])
        after = count + 1, jnp.sqrt(jnp.mean(inverse**2))
        return jax.tree.map(lambda rate: rate / jnp.where(count == 0, 1, size), rates), after

    return zoo.Rule(lambda params: (jnp.zeros((), jnp.int32), jnp.zeros((), dtype_of(params))), update)


def dtype_of(params: Any) -> Any:
    return jnp.result_type(*jax.tree.leaves(params))


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    """`gamma` is where it keeps the size of the step before."""
    (b1, b2), eps = h["betas"], h["eps"]
    tx = zoo.avagrad(h["lr"], b1, b2, eps=eps).replace(bound=normalize_late(b2, eps))
    if h.get("adam_debias"):
        tx = tx.replace(numerator=zoo.ema(b1))
    return ascending(with_decay(tx, h, h["weight_decouple"], h["fixed_decay"]), h)


REPLAYS = {"pytorch_optimizer": Replay(pytorch_optimizer, unread={"gamma": "it is state"})}
