"""AdamWSN: how the source's hyperparameters, under its own names (h), are said here."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from harness import Replay
from sources import ascending

import optax_zoo as zoo


def subset_sum(size: int) -> Any:
    """The sum of squares in each subset of a flattened leaf, as often as the subset has elements."""

    def sums(x: jax.Array) -> jax.Array:
        wanted = size if size > 0 else int(math.sqrt(x.size) / abs(size))
        width = next(n for n in range(wanted, 0, -1) if x.size % n == 0)
        subsets = (x * x).reshape(-1, width)
        return jnp.broadcast_to(subsets.sum(1, keepdims=True), subsets.shape).reshape(x.shape)

    return sums


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    """Subsets are of leaves that are marked, by `sn`; coupled decay comes too late for any step."""
    (b1, b2), size = h["betas"], h["subset_size"]
    squares = zoo.ema(b2, of=subset_sum(size) if h.get("sn") else zoo.square)
    coefficient = h["weight_decay"] / (h["lr"] if h["fixed_decay"] else 1)
    tx = zoo.adamwsn(h["lr"], b1, weight_decay=coefficient if h["weight_decouple"] else None)
    return ascending(tx.replace(denominator=zoo.debiased(zoo.root(squares, eps=h["eps"]))), h)


REPLAYS = {"pytorch_optimizer": Replay(pytorch_optimizer)}
