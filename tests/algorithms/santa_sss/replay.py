"""Santa-SSS: how each source's hyperparameters, under its own names (h), are said here.

Velocities point uphill here and downhill in these sources: recorded draws change sign.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from algorithms.santa_e.replay import (
    annealing,
    recorded_draws,
    root_of_root,
    seed,
    turned_uphill,
    without_preconditioner_before,
)
from harness import Replay
from sources import refuse

import optax_zoo as zoo
from optax_zoo import santa_sss
from optax_zoo.primitives.integrators import (
    adapt,
    agitate,
    brake_exactly,
    drift,
    integrator,
    kick,
    symmetric_splitting,
)
from optax_zoo.primitives.powers import power_growth
from optax_zoo.primitives.thermostat import Noise, by_preconditioner, thermostat


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
    rate: Any,
    first_rate: float,
    friction: float,
    data_size: int,
    decay: float,
    eps_root: float,
    smoothing: float = 0.1,
    **options: Any,
) -> zoo.Pipeline:
    """Noise sqrt(2 rate^1.5 100 / beta); smoothed gradients; averages that start at the first gradient."""
    average = zoo.ema(decay, of=zoo.square, seeded="first_step")
    return zoo.pipeline(
        numerator=zoo.ema(smoothing, seeded="first_step"),
        momentum=thermostat(
            root_of_phase(average, options["burnin"], eps_root),
            halved_kick,
            data_size=data_size,
            velocity=math.sqrt(first_rate),
            friction=friction,
            diffusion=lambda eta, scale, scale_before: 100 * jnp.sqrt(eta),
            **options,
        ),
        learning_rate=zoo.already_applied(lambda count: data_size * rate(count + 1)),
    )


def authors(h: dict[str, Any], noise: Noise) -> zoo.Pipeline:
    first, power = h["learningRate"], h.get("learningRateDecay") or 0.0
    return matlab(
        lambda t: first * t**-power,
        first,
        h.get("D", 1000 * math.sqrt(h["learningRate"])),
        h["N"],
        h.get("RMSpropDecay", 0.999),
        h.get("epsilon", 0.1),
        burnin=h["burnin"],
        annealing=power_growth(0.5),
        noise=turned_uphill(noise),
    )


def torch_port(h: dict[str, Any], noise: Noise) -> zoo.Pipeline:
    """Steps count from 2, and lr serves the start alone: the rate is step^-0.3 / 10."""
    refuse(h, "weight_decay")
    return matlab(
        lambda t: (t + 1) ** -0.3 / 10,
        h["lr"],
        1000 * math.sqrt(h["lr"]),
        h["N"],
        h["alpha"],
        h["eps"],
        h["decay_grad"],
        burnin=max(h["burnin"] - 1, 0),
        annealing=power_growth(h["anne_rate"], offset=1),
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


REPLAYS = {
    "authors": Replay(authors, given=recorded_draws),
    "seed": Replay(seed_listing, without_preconditioner_before, given=recorded_draws),
    "seed-formula": Replay(
        lambda h, noise: seed(h, noise, santa_sss), without_preconditioner_before, given=recorded_draws
    ),
    "torch_port": Replay(
        torch_port,
        overwritten_rate,
        given=recorded_draws,
        unread=dict.fromkeys(("momentum", "centered"), "the step does without it"),
    ),
}
