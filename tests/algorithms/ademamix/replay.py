"""AdEMAMix: how each source's hyperparameters, under its own names (h), are said here."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import optax
from harness import Replay
from sources import ascending, clip_by_uncorrected, warming_half_life, with_decay

import optax_zoo as zoo


def authors(h: dict[str, Any]) -> zoo.Pipeline:
    (b1, b2, b3), steps = h["betas"], h["beta3_warmup"]
    return zoo.ademamix(
        h["lr"],
        b1,
        b2,
        b3 if steps is None else warming_half_life(b3, b1, steps),
        alpha=h["alpha"],
        alpha_warmup=h["alpha_warmup"],
        eps=h["eps"],
        weight_decay=h["weight_decay"],
    )


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    """`cautious` is the fast average alone; the decay of the slow one goes on past its limit, if that is below b1."""
    (b1, b2, b3), alpha, steps = h["betas"], h["alpha"], h["t_alpha_beta3"]

    def share(count: jax.Array) -> jax.Array:
        return jnp.minimum((count + 1.0) * alpha / steps, alpha)

    def decay(count: jax.Array) -> jax.Array:
        passed = (count + 1.0) / steps
        return jnp.minimum(jnp.exp(1 / ((1 - passed) / math.log(b1) + passed / math.log(b3))), b3)

    growing, slow_decay = (alpha, b3) if steps is None else (share, decay)
    tx = zoo.ademamix(h["lr"], b1, b2, slow_decay, alpha=growing, eps=h["eps"])
    if h.get("cautious"):
        fast = zoo.serial(average=zoo.debiased(zoo.ema(b1)), cautious=zoo.cautious(None))
        tx = tx.replace(numerator=zoo.parallel(fast=fast, slow=zoo.scaled(growing, zoo.ema(slow_decay))))
    if h.get("stable_adamw"):
        tx = tx.replace(rescale=clip_by_uncorrected())
    return ascending(with_decay(tx, h, h["weight_decouple"], h["fixed_decay"]), h)


REPLAYS = {"authors": Replay(authors), "pytorch_optimizer": Replay(pytorch_optimizer)}
