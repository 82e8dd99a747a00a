"""Gradient descent with D-Adaptation: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from harness import Replay, tree
from sources import ascending

import optax_zoo as zoo


def authors(h: dict[str, Any]) -> zoo.Pipeline:
    return zoo.dadapt_sgd(
        h["lr"], h["momentum"], weight_decay=h["weight_decay"], d0=h["d"], growth_rate=h["growth_rate"]
    )


class PrimalAverageState(NamedTuple):
    base: Any


@zoo.primitive
def decaying_primal_average(momentum: float, weight_decay: float, rate: float | None = None) -> zoo.Rule:
    """pytorch_optimizer's decoupled decay beside momentum: z moves by the step, p = mu (1 - rate wd) p + (1 - mu) z."""

    def update(u: Any, state: PrimalAverageState, params: Any = None, *, learning_rate: Any, **extra_args: Any) -> Any:
        kept = momentum * (1 - weight_decay * (learning_rate if rate is None else rate))
        base = jax.tree.map(jnp.add, state.base, u)
        return jax.tree.map(lambda z, p: kept * p + (1 - momentum) * z - p, base, params), PrimalAverageState(base)

    return zoo.Rule(lambda params: PrimalAverageState(jax.tree.map(jnp.copy, params)), update, ("params",))


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    decoupled, fixed = h["weight_decouple"] and h["weight_decay"], h["fixed_decay"]
    tx = authors({**h, "weight_decay": None if decoupled else h["weight_decay"]})
    if decoupled:
        average = decaying_primal_average(h["momentum"], h["weight_decay"], 1.0 if fixed else None)
        tx = tx.replace(velocity=None, iterate=average)
    return ascending(tx, h)


def first_norm(state: Any, case: dict[str, Any]) -> Any:
    """The norm of the first gradient is taken before the decay is added to it."""
    norm = optax.tree.norm(tree(case["grads"][0], case["dtype"]))

    def is_rate(node: Any) -> bool:
        return "first_norm" in getattr(node, "_fields", ())

    return jax.tree.map(lambda node: node._replace(first_norm=norm) if is_rate(node) else node, state, is_leaf=is_rate)


REPLAYS = {
    "authors": Replay(
        authors,
        start=first_norm,
        tolerance=1e-8,
        where=lambda h: h["d"] < 1e-4,
        why="steps begin at 1e-6 beside parameters of order 1, which round them to 1e-10.",
    ),
    "pytorch_optimizer": Replay(
        pytorch_optimizer,
        start=first_norm,
        tolerance=2e-7,
        why="the norm of the first gradient is taken in single precision.",
    ),
}
