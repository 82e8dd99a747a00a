"""Santa: how each source's hyperparameters, under its own names (h), are said here.

Velocities point uphill here and in the authors' Caffe code, downhill elsewhere: there recorded draws change sign.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from harness import Replay, tree

import optax_zoo as zoo
from optax_zoo import santa_e, santa_sss
from optax_zoo.primitives.annealing import power_annealing
from optax_zoo.primitives.integrators import (
    adapt,
    agitate,
    brake_exactly,
    drift,
    euler,
    integrator,
    kick,
    symmetric_splitting,
)
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
    return math.inf if h["anne_func"] == "returns infinity" else power_annealing(h["anne_rate"])


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


def seed_listing(h: dict[str, Any], noise: Noise) -> zoo.Pipeline:
    """Santa-SSS as listed: the first half of the drift is overwritten by the second."""
    unit = math.sqrt(h["eta"])
    without_first_drift = thermostat(
        root_of_root(zoo.ema(h["sigma"], of=zoo.square), h["lambda_"]),
        integrator(symmetric_splitting.sub_steps[1:]),
        data_size=h["N"],
        burnin=h["burnin"],
        annealing=annealing(h),
        velocity=unit,
        friction=unit * h["C"],
        correction=True,
        diffusion=by_preconditioner,
        noise=turned_uphill(noise),
    )
    return seed(h, noise, santa_sss).replace(momentum=without_first_drift)


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
            annealing=power_annealing(h.get("anneal_c", 2.0)),
            velocity=unit,
            friction=unit * h["C"],
            correction=bool(h.get("approx_g", 0)),
            diffusion=lambda eta, scale, scale_before: jnp.sqrt(eta) / scale,
            noise=never_negative,
        ),
        learning_rate=zoo.handed(h["base_lr"]),
    )


def rnn(h: dict[str, Any], noise: Noise, **temperature: Any) -> zoo.Pipeline:
    """Every gradient is scaled to one norm; noise sqrt(2 lr v / beta / N), where 1 / G = sqrt(e + sqrt(v))."""
    e = h.get("e", 1e-8)
    return zoo.pipeline(
        gradient=zoo.serial(
            norm=zoo.normalize_by_norm("l2", eps=0.0, scope="tree"), scale=optax.scale(h.get("clip_norm", 5))
        ),
        momentum=thermostat(
            root_of_root(zoo.ema(h.get("rho", 0.95), of=zoo.square), e),
            euler,
            friction=0.5,
            diffusion=lambda eta, scale, scale_before: (scale**2 - e) ** 2 / h.get("nframes", 1.0),
            noise=turned_uphill(noise),
            **temperature,
        ),
        learning_rate=zoo.handed(h["lr"]),
    )


def rnn_santa(h: dict[str, Any], noise: Noise) -> zoo.Pipeline:
    return rnn(h, noise, burnin=h["explore_steps"] + 1, annealing=power_annealing(h.get("anne_rate", 0.5)))


def rnn_santa_r(h: dict[str, Any], noise: Noise) -> zoo.Pipeline:
    """The refinement goes on adapting the friction: an endless exploration at temperature 0."""
    return rnn(h, noise, burnin=10**9, annealing=math.inf)


# The authors' MATLAB code and its port to PyTorch: symmetric splitting, gradients are means.


class PhasedState(NamedTuple):
    average: Any
    count: Any


def root_of_phase(average: optax.GradientTransformation, burnin: int, eps_root: float) -> optax.GradientTransformation:
    """root_of_root with 1e-4 under the root during the burn-in; these two codes' alone, so it stands here."""

    def update(updates: Any, state: PhasedState, params: Any = None) -> Any:
        eps = jnp.where(state.count + 1 < burnin, 1e-4, eps_root)
        v, average_state = average.update(updates, state.average, params)
        return jax.tree.map(lambda v: jnp.sqrt(eps + jnp.sqrt(v)), v), PhasedState(average_state, state.count + 1)

    return optax.GradientTransformation(lambda p: PhasedState(average.init(p), jnp.zeros((), jnp.int32)), update)


halved_kick = integrator(
    (
        (drift, 1 / 2),
        (adapt, 1 / 2),
        (brake_exactly, 1 / 2),
        (kick, 1 / 2),
        (agitate, 1),
        (brake_exactly, 1 / 2),
        (kick, 1 / 2),
        (adapt, 1 / 2),
        (drift, 1 / 2),
    )
)


def matlab(
    rate: Any, first_rate: float, friction: float, data_size: int, decay: float, eps_root: float, **options: Any
) -> zoo.Pipeline:
    """Noise sqrt(2 rate^1.5 100 / beta); smoothed gradients; averages that start at the first gradient."""
    average = zoo.ema(decay, of=zoo.square, seeded="first_step")
    return zoo.pipeline(
        numerator=zoo.ema(0.1, seeded="first_step"),
        momentum=thermostat(
            root_of_phase(average, options["burnin"], eps_root),
            halved_kick,
            data_size=data_size,
            velocity=math.sqrt(first_rate),
            friction=friction,
            diffusion=lambda eta, scale, scale_before: 100 * jnp.sqrt(eta),
            **options,
        ),
        learning_rate=zoo.handed(lambda count: data_size * rate(count + 1)),
    )


def authors(h: dict[str, Any], noise: Noise) -> zoo.Pipeline:
    return matlab(
        lambda t: h["learningRate"] * t ** -h.get("learningRateDecay", 0.0),
        h["learningRate"],
        h.get("D", 1000 * math.sqrt(h["learningRate"])),
        h["N"],
        h.get("RMSpropDecay", 0.999),
        h.get("epsilon", 0.1),
        burnin=h["burnin"],
        annealing=power_annealing(0.5),
        noise=turned_uphill(noise),
    )


def torch_port(h: dict[str, Any], noise: Noise) -> zoo.Pipeline:
    """Steps count from 2, and lr serves the start alone: the rate is step^-0.3 / 10."""
    return matlab(
        lambda t: (t + 1) ** -0.3 / 10,
        h["lr"],
        1000 * math.sqrt(h["lr"]),
        h["N"],
        h["alpha"],
        h["eps"],
        burnin=max(h["burnin"] - 1, 0),
        annealing=power_annealing(h["anne_rate"], offset=1),
        noise=turned_uphill(noise),
    )


def overwritten_rate(state: dict[str, Any], case: dict[str, Any]) -> dict[str, Any]:
    """With all leaves in one group, those after the first start from the rate that the first has overwritten."""
    if not case["name"].endswith("one-group-quirk"):
        return state
    ratio = math.sqrt(2**-0.3 / 10 / case["hyperparameters"]["lr"])
    factors = {leaf: ratio if index else 1.0 for index, leaf in enumerate(case["params_0"])}
    moving = state["momentum"]
    velocity, friction = (jax.tree.map(jnp.multiply, tree, factors) for tree in (moving.velocity, moving.friction))
    return {**state, "momentum": moving._replace(velocity=velocity, friction=friction)}


SANTA_E = {
    "authors_caffe": Replay(caffe, given=recorded_draws),
    "authors_rnn": Replay(rnn_santa, given=recorded_draws),
    "authors_rnn_r": Replay(rnn_santa_r, given=recorded_draws),
    "seed": Replay(seed, without_preconditioner_before, given=recorded_draws),
}

SANTA_SSS = {
    "authors": Replay(authors, given=recorded_draws),
    "seed": Replay(seed_listing, without_preconditioner_before, given=recorded_draws),
    "seed-formula": Replay(
        lambda h, noise: seed(h, noise, santa_sss), without_preconditioner_before, given=recorded_draws
    ),
    "torch_port": Replay(torch_port, overwritten_rate, given=recorded_draws),
}

REPLAYS = {"santa_e": SANTA_E, "santa_sss": SANTA_SSS}
