"""Ranger: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from algorithms.radam.replay import optimi as optimi_radam
from harness import Replay
from sources import adanorm, ascending

import optax_zoo as zoo


def optimi(h: dict[str, Any]) -> zoo.Pipeline:
    return optimi_radam(h).replace(iterate=zoo.lookahead_steps(h["k"], h["alpha"]))


def jettify(h: dict[str, Any]) -> zoo.Pipeline:
    return zoo.ranger(
        h["lr"],
        *h["betas"],
        eps=h["eps"],
        threshold=float(h["N_sma_threshhold"]),
        every=h["k"],
        alpha=h["alpha"],
        weight_decay=h["weight_decay"],
        centralize=False,
    )


def authors(h: dict[str, Any]) -> zoo.Pipeline:
    of_filters = zoo.centralized(outputs="first", min_axes=4 if h["gc_conv_only"] else 2)
    return jettify(h).replace(gradient=of_filters)


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    """The first steps go uphill unless it degenerates to SGD; decay acts on centralized gradients."""
    rate, (b1, b2), weight_decay, threshold = h["lr"], h["betas"], h["weight_decay"], float(h.get("n_sma_threshold", 5))
    tx = zoo.ranger(rate, b1, b2, eps=h["eps"], threshold=threshold, every=h["k"], alpha=h["alpha"])
    centralized = zoo.centralized(outputs="first", min_axes=4 if h.get("gc_conv_only") else 2)
    average = zoo.ema(b1) if h.get("adam_debias") else tx.slots["numerator"]

    def direction(count: jax.Array) -> jax.Array:
        t, power = count + 1, b2 ** (count + 1)
        return jnp.where(2 / (1 - b2) - 1 - 2 * t * power / (1 - power) >= threshold, 1.0, -1.0)

    coupled = None if h["weight_decouple"] or not weight_decay else zoo.coupled_decay(weight_decay)
    coefficient = weight_decay / rate if h["fixed_decay"] else weight_decay
    tx = tx.replace(
        gradient=zoo.in_series(centralized=centralized if h.get("use_gc", True) else None, decay=coupled),
        numerator=zoo.in_series(size=adanorm(h), average=average),
        rescale=None if h.get("degenerated_to_sgd") else optax.scale_by_schedule(direction),
        decay=zoo.optional(zoo.decoupled_decay, coefficient) if h["weight_decouple"] else None,
    )
    return ascending(tx, h)


COUNTER = {"step_counter": "steps are counted elsewhere."}
REPLAYS = {
    "authors": Replay(authors, unread={"use_gc": "it centralizes whatever this is."}),
    "optimi": Replay(optimi),
    "jettify": Replay(
        jettify,
        arithmetic="float32",
        tolerance=1e-4,
        why="its slow weights are float64, what is between them float32",
        unread=COUNTER,
    ),
    "pytorch_optimizer": Replay(pytorch_optimizer, unread=COUNTER),
}
