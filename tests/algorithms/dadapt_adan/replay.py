"""Adan with D-Adaptation: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import optax
from harness import Replay, tree
from sources import ascending

import optax_zoo as zoo


def authors(h: dict[str, Any]) -> zoo.Pipeline:
    tx = zoo.dadapt_adan(h["lr"], *h["betas"], eps=h["eps"], d0=h["d"], growth_rate=h["growth_rate"])
    decay = zoo.decoupled_decay if h["no_prox"] else zoo.proximal_decay
    return tx.replace(decay=zoo.optional(decay, h["weight_decay"]))


def fourth_power(x: jax.Array) -> jax.Array:
    return zoo.square(zoo.square(x))


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    """It squares the square of the extrapolated gradient again before it averages it."""
    _, b2, b3 = h["betas"]
    energy = zoo.root(zoo.ema(b3, of=fourth_power), eps=h["eps"])
    tx = authors({**h, "no_prox": h["weight_decouple"]}).replace(denominator=zoo.extrapolated(energy, b2))
    return ascending(tx, h)


def first_change(state: Any, case: dict[str, Any]) -> Any:
    """With `maximize` the gradient before the first is the first, with the sign that it is given with."""
    if not case["hyperparameters"].get("maximize"):
        return state
    given = tree(case["grads"][0], case["dtype"])

    def is_difference(node: Any) -> bool:
        return "previous" in getattr(node, "_fields", ())

    def known(node: Any) -> Any:
        return node._replace(previous=given, count=node.count + 1) if is_difference(node) else node

    return jax.tree.map(known, state, is_leaf=is_difference)


UNREAD = {"gsq_weighted": "the sum of squares before the first step, 0"}
REPLAYS = {
    "authors": Replay(authors, unread=UNREAD),
    "pytorch_optimizer": Replay(
        pytorch_optimizer,
        start=first_change,
        tolerance=1e-8,
        where=lambda h: h["d"] < 1e-4,
        why="steps of 1e-9 beside parameters of order 1 are rounded to 1e-7 of them.",
    ),
}
