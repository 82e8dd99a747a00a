"""AdamS: how the source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from harness import Replay
from sources import adanorm, ascending

import optax_zoo as zoo


def largest_scale(eps: float) -> Any:
    """The scale by the largest averages so far, for `ams_bound`."""

    def scale(slot_states: Any) -> Any:
        state = slot_states["denominator"]
        leaves = [x.ravel() for x in jax.tree.leaves(state.estimator.maximum)]
        return jnp.sqrt(jnp.concatenate(leaves).mean() / state.weight) + eps

    return scale


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    """`adanorm` makes the gradient longer that the numerator averages, not the denominator's."""
    (b1, b2), eps, coefficient = h["betas"], h["eps"], h["weight_decay"]
    decoupled = coefficient / h["lr"] if h["fixed_decay"] else coefficient
    tx = zoo.adams(h["lr"], b1, b2, eps=eps, weight_decay=decoupled)
    if h["ams_bound"]:
        largest = zoo.running_max(zoo.ema(b2, of=zoo.square))
        decay = zoo.decoupled_decay(decoupled, over=largest_scale(eps)) if decoupled else None
        tx = tx.replace(denominator=zoo.root(zoo.debiased(largest), eps=eps), decay=decay)
    if not h["weight_decouple"]:
        tx = tx.replace(gradient=zoo.optional(zoo.coupled_decay, coefficient), decay=None)
    mean = zoo.ema(b1) if h.get("adam_debias") else zoo.debiased(zoo.ema(b1))
    return ascending(tx.replace(numerator=zoo.in_series(size=adanorm(h), average=mean)), h)


REPLAYS = {"pytorch_optimizer": Replay(pytorch_optimizer)}
