"""Santa-E: how each source's hyperparameters, under its own names (h), are said here.

Velocities point uphill here and in the authors' Caffe code, downhill elsewhere: there recorded draws change sign.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
import optax
from harness import Replay, tree

import optax_zoo as zoo
from optax_zoo import santa_e
from optax_zoo.primitives.integrators import (
    euler,
)
from optax_zoo.primitives.powers import power_growth
from optax_zoo.primitives.thermostat import Noise, by_preconditioner, thermostat


def recorded_draws(case: dict[str, Any]) -> dict[str, Noise]:
    """The draws of the first velocity (t = 0) and of each step; 0 where none are recorded."""
    recorded, zero = case.get("noise", {}), jax.tree.map(jnp.zeros_like, tree(case["params_0"], case["dtype"]))
    every = [recorded.get("u0_standard_normal"), *recorded.get("zeta_standard_normal", [])]
    draws = [zero if draw is None else tree(draw, case["dtype"]) for draw in every]
    stacked = jax.tree.map(lambda *draw: jnp.stack(draw), *draws)
    return {"noise": lambda key, t, zeros: jax.tree.map(lambda draw: draw[t], stacked)}


def turned_uphill(noise: Noise) -> Noise:
    return lambda key, t, zeros: jax.tree.map(jnp.negative, noise(key, t, zeros))


def root_of_root(average: optax.GradientTransformation, eps_root: float) -> optax.GradientTransformation:
    return zoo.root(zoo.root(average, eps=0.0), eps=0.0, eps_root=eps_root)


# The document's formulas and listing. Its gradients are sums over the data, ours means: they are divided by N.


def annealing(h: dict[str, Any]) -> Any:
    return math.inf if h["anne_func"] == "returns infinity" else power_growth(h["anne_rate"])


def seed(h: dict[str, Any], noise: Noise, make: Any = santa_e) -> zoo.Pipeline:
    tx = make(
        h["eta"] * h["N"],
        h["N"],
        h["sigma"],
        friction=h["C"],
        burnin=h["burnin"],
        annealing=annealing(h),
        correction=True,
        diffusion=by_preconditioner,
        eps_root=h["lambda_"],
        noise=turned_uphill(noise),
    )
    return tx.replace(gradient=optax.scale(1 / h["N"]))


def without_preconditioner_before(state: dict[str, Any], case: dict[str, Any]) -> dict[str, Any]:
    """G_0 = 0, where ours is G_1: a first step without noise, and with a correction of eta / beta / u_0."""
    scale_before = jax.tree.map(lambda d: jnp.full_like(d, jnp.inf), state["momentum"].scale_before)
    return {**state, "momentum": state["momentum"]._replace(scale_before=scale_before)}


# The authors' Caffe and RNN codes: Euler's scheme, gradients are means.


def caffe(h: dict[str, Any], noise: Noise) -> zoo.Pipeline:
    """Noise sqrt(2 eta^1.5 / beta G_t zeta^2), which is never negative."""

    def never_negative(key: jax.Array, t: Any, zeros: Any) -> Any:
        return jax.tree.map(lambda z: jnp.where(t == 0, z, jnp.abs(z)), noise(key, t, zeros))

    unit = math.sqrt(h["base_lr"] / h["nD"])
    return zoo.pipeline(
        momentum=thermostat(
            root_of_root(zoo.ema(h["sigma"], of=zoo.square), h.get("lambda", 1e-8)),
            euler,
            data_size=h["nD"],
            burnin=h["explore"],
            annealing=power_growth(h.get("anneal_c", 2.0)),
            velocity=unit,
            friction=unit * h["C"],
            correction=bool(h.get("approx_g", 0)),
            diffusion=lambda eta, scale, scale_before: jnp.sqrt(eta) / scale,
            noise=never_negative,
        ),
        learning_rate=zoo.already_applied(h["base_lr"]),
    )


def rnn(h: dict[str, Any], noise: Noise, **temperature: Any) -> zoo.Pipeline:
    """Every gradient is scaled to one norm; noise sqrt(2 lr v / beta / N), where 1 / G = sqrt(e + sqrt(v))."""
    e, frames = h.get("e", 1e-8), h.get("nframes", 1.0)
    return zoo.pipeline(
        gradient=zoo.serial(
            norm=zoo.normalize_by_norm("l2", eps=0.0, scope="tree"), scale=optax.scale(h.get("clip_norm", 5))
        ),
        momentum=thermostat(
            root_of_root(zoo.ema(h.get("rho", 0.95), of=zoo.square), e),
            euler,
            friction=0.5,
            diffusion=lambda eta, scale, scale_before: (scale**2 - e) ** 2 / frames,
            noise=turned_uphill(noise),
            **temperature,
        ),
        learning_rate=zoo.already_applied(h["lr"]),
    )


def rnn_santa(h: dict[str, Any], noise: Noise) -> zoo.Pipeline:
    return rnn(h, noise, burnin=h["explore_steps"] + 1, annealing=power_growth(h.get("anne_rate", 0.5)))


def rnn_santa_r(h: dict[str, Any], noise: Noise) -> zoo.Pipeline:
    """The refinement goes on adapting the friction: an endless exploration at temperature 0."""
    return rnn(h, noise, burnin=10**9, annealing=math.inf)


REPLAYS = {
    "authors_caffe": Replay(caffe, given=recorded_draws),
    "authors_rnn": Replay(
        rnn_santa, given=recorded_draws, unread={"max_epoch": "explore_steps says how many they are"}
    ),
    "authors_rnn_r": Replay(rnn_santa_r, given=recorded_draws),
    "seed": Replay(seed, without_preconditioner_before, given=recorded_draws),
}
