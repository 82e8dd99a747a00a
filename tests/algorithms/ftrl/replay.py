"""FTRL-Proximal: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from harness import Replay
from sources import ascending

import optax_zoo as zoo


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    """It divides by the root whatever the power is."""
    power, penalties = -h["lr_power"], dict(l1=h["lambda_1"], l2=h["lambda_2"], beta=h["beta"])
    if power == 0.5:
        return ascending(zoo.ftrl(h["lr"], **penalties), h)
    return ascending(zoo.sgd(h["lr"]).replace(iterate=of_two_powers(h["lr"], power, **penalties)), h)


def of_two_powers(rate: float, power: float, l1: float, l2: float, beta: float) -> optax.GradientTransformation:
    def init(params: Any) -> Any:
        return {"n": jax.tree.map(jnp.zeros_like, params), "z": jax.tree.map(jnp.zeros_like, params)}

    def update(u: Any, state: Any, params: Any, *, gradient: Any, **extra_args: Any) -> Any:
        n = jax.tree.map(lambda n, g: n + g * g, state["n"], gradient)
        z = jax.tree.map(
            lambda z, g, old, new, p: z + g - (new**power - old**power) / rate * p,
            *(state["z"], gradient, state["n"], n, params),
        )

        def leader(z: jax.Array, n: jax.Array) -> jax.Array:
            kept = jnp.abs(z) > l1
            return jnp.where(kept, (jnp.sign(z) * l1 - z) / jnp.where(kept, (jnp.sqrt(n) + beta) / rate + l2, 1), 0)

        return jax.tree.map(lambda z, n, p: leader(z, n) - p, z, n, params), {"n": n, "z": z}

    return optax.GradientTransformationExtraArgs(init, update)


def tensorflow1(h: dict[str, Any]) -> zoo.Pipeline:
    """Its l2 counts twice, and so does its shrinkage, which is coupled decay."""
    rate, shrinkage = h["learning_rate"], h["l2_shrinkage_regularization_strength"]
    tx = zoo.ftrl(
        rate,
        l1=h["l1_regularization_strength"],
        l2=2 * h["l2_regularization_strength"],
        power=-h["learning_rate_power"],
        initial_accumulator=h["initial_accumulator_value"],
    )
    return tx.replace(gradient=zoo.optional(zoo.coupled_decay, 2 * shrinkage))


NAMES = {name: "it names a variable." for name in ("accum_name", "linear_name")}
REPLAYS = {"pytorch_optimizer": Replay(pytorch_optimizer), "tensorflow1": Replay(tensorflow1, unread=NAMES)}
