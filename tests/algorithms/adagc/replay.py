"""AdaGC: how the source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import jax.numpy as jnp
from harness import Replay
from sources import ascending, with_decay

import optax_zoo as zoo


@zoo.primitive
def decayed_in_turn(h: dict[str, Any], leaves: list[str]) -> zoo.Rule:
    """Coupled decay, and the clip of the warm-up: of the norm of leaves some of which have decayed in the loop."""

    def update(g: Any, count: Any, params: Any, **extra_args: Any) -> Any:
        decayed = jax.tree.map(lambda x, p: x + h["weight_decay"] * p, g, params)
        warm = (count == 0) | (count + 1 < h["warmup_steps"])
        clipped = {}
        for number, name in enumerate(leaves, 1):
            now = [decayed[other] for other in leaves[:number]] + [g[other] for other in leaves[number:]]
            norm = jnp.sqrt(sum(jnp.sum(x * x) for x in now))
            clipped[name] = decayed[name] * jnp.where(warm, jnp.minimum(h["lambda_abs"] / (norm + h["eps"]), 1), 1)
        return clipped, count + 1

    return zoo.Rule(lambda params: jnp.zeros((), jnp.int32), update, needs=("params",))


def pytorch_optimizer(h: dict[str, Any], leaves: list[str]) -> zoo.Pipeline:
    in_turn = bool(h["weight_decay"]) and not h["weight_decouple"]
    tx = zoo.adagc(
        h["lr"],
        *h["betas"],
        beta=h["beta"],
        max_ratio=h["lambda_rel"],
        max_norm=1e30 if in_turn else h["lambda_abs"],
        clip_after=h["warmup_steps"],
        eps=h["eps"],
        weight_decay=None,
    )
    if in_turn:
        tx = tx.replace(gradient=zoo.serial(decay=decayed_in_turn(h, leaves), clip=tx.slots["gradient"]))
        return ascending(tx, h)
    return ascending(with_decay(tx, h, h["weight_decouple"], h["fixed_decay"]), h)


REPLAYS = {
    "pytorch_optimizer": Replay(
        pytorch_optimizer,
        given=lambda case: {"leaves": list(case["params_0"])},
        tolerance=2e-7,
        why="the norm of all gradients is found in single precision.",
    )
}
