"""ASGD: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax.numpy as jnp
import optax
from harness import Replay
from sources import ascending

import optax_zoo as zoo


def torch(h: dict[str, Any]) -> zoo.Pipeline:
    """The mean begins with the parameters of step t0 + 2."""
    tx = zoo.asgd(h["lr"], power=h["alpha"], begin=h["t0"] + 1, weight_decay=h["lambd"])
    return ascending(tx.replace(gradient=zoo.optional(zoo.coupled_decay, h["weight_decay"])), h)


def norm_of(tree: dict[str, Any], order: list[str], squared_in: str) -> Any:
    """The squares of the norms of all leaves are added up in float32, in an order that changes the last digit."""
    norms = [jnp.linalg.norm(tree[leaf].ravel()).astype(squared_in) for leaf in order]
    squares = [jnp.square(norm).astype("float32") for norm in norms]
    return jnp.sqrt(sum(squares[1:], squares[0]))


@zoo.primitive
def rate_by_changes_of_norms(h: dict[str, Any], order: list[str]) -> zoo.RateRule:
    """How much longer parameters are than a step ago, over how much longer gradients are; else it grows."""

    numbers = {"rate": h["lr"], "growth": h["theta"]}
    amplifier, dampening, eps = h["amplifier"], h["dampening"], h["eps"]

    def init(params: Any) -> Any:
        unknown = {"params": jnp.float32(-1), "gradient": jnp.float32(-1)}
        return {**{name: jnp.asarray(number, jnp.float64) for name, number in numbers.items()}, **unknown}

    def estimate(g: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        now = {"params": norm_of(params, order, "float64"), "gradient": norm_of(g, order, "float32")}
        change = {name: (norm - state[name]).astype("float64") for name, norm in now.items()}
        longer = (change["params"] > 0) & (change["gradient"] > 0) & (state["params"] >= 0)
        grown = state["rate"] * jnp.sqrt(1 + amplifier * state["growth"])
        curvature = dampening * jnp.where(longer, change["gradient"], 1)
        rate = jnp.where(longer, jnp.minimum(grown, change["params"] / curvature) + eps, grown)
        return zoo.Estimate(rate, step=rate), {"rate": rate, "growth": rate / state["rate"], **now}

    return zoo.RateRule(init, estimate, needs=("params",))


def pytorch_optimizer(h: dict[str, Any], order: list[str]) -> zoo.Pipeline:
    """Another algorithm of that name. Coupled decay is added after the norm of the gradient has been taken."""
    coefficient = h["weight_decay"]
    tx = zoo.pipeline(learning_rate=rate_by_changes_of_norms(h, order))
    if not h["weight_decouple"]:
        return ascending(tx.replace(numerator=zoo.optional(zoo.coupled_decay, coefficient)), h)
    decay = optax.add_decayed_weights(-coefficient) if h["fixed_decay"] else zoo.decoupled_decay(coefficient)
    return ascending(tx.replace(decay=decay), h)


REPLAYS = {
    "torch": Replay(torch),
    "pytorch_optimizer": Replay(
        pytorch_optimizer,
        given=lambda case: {"order": list(case["params_0"])},
        tolerance=1e-4,
        why="It takes differences of norms in float32, whose square root is off in the last digit in PyTorch for CPUs.",
    ),
}
