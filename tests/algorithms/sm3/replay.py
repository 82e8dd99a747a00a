"""SM3: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from harness import Replay
from sources import ascending

import optax_zoo as zoo
from optax_zoo import covered, ema, root, square


def never_falling(part: zoo.Part) -> optax.GradientTransformation:
    """`covered`, where each number that is kept is at least what it was."""

    def update(g: Any, state: Any, params: Any = None) -> Any:
        estimate, after = part.update(g, state, params)
        return estimate, after._replace(value=jax.tree.map(jnp.maximum, after.value, state.value))

    return optax.GradientTransformation(part.init, update)


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    """A beta of 0 stands for sums; with another, nothing that is kept falls."""
    tx = zoo.sm3(h["lr"], h["momentum"] or None, eps_root=h["eps"])
    if h["beta"]:
        squares = never_falling(covered(ema(h["beta"], of=square)))
        tx = tx.replace(denominator=root(squares, eps=0.0, eps_root=h["eps"]))
    return ascending(tx, h)


REPLAYS = {"pytorch_optimizer": Replay(pytorch_optimizer)}
