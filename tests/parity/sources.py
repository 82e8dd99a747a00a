"""What several algorithms of one source have in common: options that are said here in the same way.

Not read are options that change no number in float64: `foreach`, `triton`, `kahan_sum`, `gradient_release`, `setup`,
`capturable`, `differentiable`.
"""

from typing import Any

import jax
import jax.numpy as jnp
import optax

import optax_zoo as zoo


def refuse(h: dict[str, Any], *options: str) -> None:
    """Refuses options that cannot be said here."""
    for option in options:
        if h.get(option):
            raise NotImplementedError(f"{option} is {h[option]!r}, which has not been expressed.")


def ascending(tx: optax.GradientTransformation, h: dict[str, Any]) -> optax.GradientTransformation:
    """PyTorch's `maximize`: the gradient with the other sign, before anything else."""
    return optax.chain(optax.scale(-1.0), tx) if h.get("maximize") else tx


def optimi_coefficient(h: dict[str, Any]) -> float:
    """Of decoupled decay: with `decouple_lr` the rate counts relative to its maximum."""
    return h["weight_decay"] / (h["max_lr"] or h["lr"]) if h["decouple_lr"] else h["weight_decay"]


def with_decay(tx: zoo.Pipeline, h: dict[str, Any], decoupled: bool, fixed: bool = False) -> zoo.Pipeline:
    """Coupled or decoupled decay; a `fixed` one does not follow the rate."""
    coefficient = h["weight_decay"]
    if not coefficient:
        return tx
    if not decoupled:
        return tx.replace(gradient=zoo.in_series(other=tx.slots.get("gradient"), decay=zoo.coupled_decay(coefficient)))
    return tx.replace(decay=zoo.decoupled_decay(coefficient / h["lr"] if fixed else coefficient))


def tfa_rate(h: dict[str, Any]) -> optax.ScalarOrSchedule:
    """The rate over 1 + decay t; with `total_steps` it warms up from 0 linearly, and then falls to `min_lr`."""
    if not (h["decay"] or h["total_steps"]):
        return h["learning_rate"]

    def rate(count: jax.Array) -> jax.Array:
        now = h["learning_rate"] / (1 + h["decay"] * count)
        if not h["total_steps"]:
            return now
        warmup = h["total_steps"] * h["warmup_proportion"]
        falling = max(h["total_steps"] - warmup, 1)
        fallen = now + (h["min_lr"] - now) / falling * jnp.minimum(count + 1 - warmup, falling)
        return jnp.where(count + 1 <= warmup, now * (count + 1) / warmup, fallen)

    return rate
