"""The thermostat: motion under preconditioned gradients, friction and noise that is annealed away (Santa)."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import optax

from optax_zoo import _checks
from optax_zoo.primitives.dtypes import check_accumulator_dtype
from optax_zoo.primitives.initial import random_normal, wrap_key
from optax_zoo.primitives.integrators import Motion, Surroundings, integrator
from optax_zoo.primitives.learning_rate import check_given
from optax_zoo.primitives.overflow import bounded
from optax_zoo.primitives.part import Rule, needs_of, primitive, update_of
from optax_zoo.primitives.precision import lift, like, zeros_for
from optax_zoo.primitives.roots import root_of
from optax_zoo.primitives.states import filled
from optax_zoo.primitives.statistics import absolute, identity
from optax_zoo.primitives.types import DType, Key, Scalar

Annealing: TypeAlias = Scalar | Callable[[jax.Array], Any]  # a function is given the number of steps taken
Noise: TypeAlias = Callable[[jax.Array, Any, Any], Any]  # from (key, t, a tree of zeros) to a tree of draws
Diffusion: TypeAlias = Callable[[Any, jax.Array, jax.Array], Any]  # from (eta, 1 / G_t, 1 / G_{t-1})


def standard_normal(key: jax.Array, t: Any, zeros: Any) -> Any:
    """Independent standard normal draws, one key folded per leaf; each step has a key of its own."""
    return random_normal(1.0, key)(zeros)


def by_preconditioner(eta: Any, scale: jax.Array, scale_before: jax.Array) -> jax.Array:
    """The paper's noise: F = G of the step before (of this step without a correction)."""
    return 1 / scale_before


class ThermostatState(NamedTuple):
    """State of `thermostat`. Fields that the options leave without a use are not there.

    Attributes:
      velocity: u, shaped like the parameters.
      friction: alpha, shaped like the parameters.
      preconditioner: the state of the preconditioner.
      scale_before: the preconditioner's estimate at the step before, if there is a correction. 0 stands for "as at this
        step".
      count: steps taken (int32 scalar), with exploration.
      key: raw data of the key that the draws to come are made from, with exploration.
    """

    velocity: Any
    friction: Any
    preconditioner: Any
    scale_before: Any = None
    count: Any = None
    key: Any = None


@primitive
def thermostat(
    preconditioner: optax.GradientTransformation,
    integrator: integrator,
    *,
    data_size: Scalar = 1,
    burnin: Scalar = 0,
    annealing: Annealing = math.inf,
    velocity: Scalar = 0.0,
    friction: Scalar = 0.0,
    correction: bool = False,
    diffusion: Scalar | Diffusion = 100.0,
    key: Key | None = None,
    noise: Noise | None = None,
    accumulator_dtype: DType = None,
) -> Rule:
    """Moves with a velocity that gradients and noise drive and an adaptive friction brakes; later without noise.

    With eta = rate / data_size and the preconditioner's estimate 1 / G, a step is what the integrator makes of the
    force rate G g, of the noise sqrt(2 F eta / beta) zeta, and of the thermostat, which raises the friction where the
    squared velocity is above eta / beta. From step `burnin` on there is no noise and the friction stays as it is.

    It uses the rate itself: in a pipeline `learning_rate=already_applied(rate)`, elsewhere an argument of `update`.

    Args:
      preconditioner: an estimator of 1 / G, e.g. `root(root(ema(0.99, of=square)))`.
      integrator: `euler`, `symmetric_splitting` or your own `integrator`.
      data_size: above 0: how many examples the loss is a mean of; noise falls with it.
      burnin: noise acts in the steps t < burnin, t = 1, 2, ...; 0 for none.
      annealing: inverse temperature beta: above 0, math.inf for temperature 0, or a function of the number of steps
        taken (see `power_growth`).
      velocity: standard deviation of the first velocity, at least 0.
      friction: the first friction, at least 0.
      correction: add eta / beta (1 - G_{t-1} / G_t) / u_{t-1} to the noise, where u is not 0. It keeps 1 / G_{t-1}.
      diffusion: F: a number c for c sqrt(eta), or a function of eta, of 1 / G_t and of 1 / G_{t-1} (of 1 / G_t again
        without a correction), see `by_preconditioner`.
      key: a `jax.random.key`, raw key data or an int seed; None stands for seed 0. The same key draws the same noise.
      noise: what draws zeta: a function of a key, of t and of a tree of zeros to fill; t = 0 for the first velocity,
        then 1, 2, ... None for `standard_normal`. Recorded draws can be replayed through it.
      accumulator_dtype: dtype of velocity and friction; by default the gradient's, at least float32.

    Returns:
      A transformation with state `ThermostatState` that needs the learning rate. It has temporaries, in arrays of the
      parameters' size on a CPU: 4 in jax.random.normal, after the burn-in too (none with burnin=0, which draws
      nothing), 1 for 1 / G, which several sub-steps read, and 1 where the old velocity is read after the new is there.
    """
    _checks.positive("data_size", data_size)
    for name, value in {"burnin": burnin, "velocity": velocity, "friction": friction}.items():
        _checks.non_negative(name, value)
    _checks.non_negative("diffusion", diffusion, schedule=True)
    if not (_checks.is_number(annealing) and annealing == math.inf):
        _checks.positive("annealing", annealing, schedule=True)
    check_accumulator_dtype(accumulator_dtype)  # of the friction: squared velocities
    random_normal(1.0, key)  # refuses what cannot be a key
    estimator, draw = optax.with_extra_args_support(preconditioner), noise or standard_normal
    explores = not (_checks.is_number(burnin) and burnin <= 1)

    def init(params: Any) -> ThermostatState:
        first_key, next_key = jax.random.split(_typed(key))
        still = jax.tree.map(lambda p: zeros_for(absolute, p, accumulator_dtype), params)
        state = ThermostatState(
            velocity=_first_velocity(params, velocity, draw, first_key, accumulator_dtype),
            friction=_as(jax.tree.map(lambda a: a + friction, still), still),
            preconditioner=estimator.init(params),
            scale_before=jax.tree.map(lambda p: zeros_for(absolute, p), params) if correction else None,
            count=jnp.zeros((), jnp.int32) if explores else None,
            key=jax.random.key_data(next_key) if explores else None,
        )
        return filled(state)

    def explore(state: ThermostatState, scale: Any, eta: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the surroundings have of temperature, and what of the state it changes."""
        if not explores:
            return {}, {}
        next_key, draw_key = jax.random.split(
            jax.random.wrap_key_data(state.key, impl=jax.random.key_impl(_typed(key)))
        )
        t: Any = optax.safe_increment(state.count)
        beta = annealing(state.count) if callable(annealing) else annealing
        draws = draw(draw_key, t, jax.tree.map(jnp.zeros_like, state.velocity))
        agitation = _agitation(draws, state, scale, eta, beta, diffusion)
        surroundings = {"agitation": agitation, "temperature": eta / beta, "exploring": t < burnin}
        return surroundings, {"count": t, "key": jax.random.key_data(next_key)}

    def update(
        updates: Any, state: ThermostatState, params: Any = None, *, learning_rate: Any = None, **extra_args: Any
    ) -> Any:
        check_given("thermostat", learning_rate, "already_applied(rate)")
        lifted = jax.tree.map(lambda g: bounded(lift(g)), updates)
        scale, inner = update_of(estimator)(lifted, state.preconditioner, params, **extra_args)
        force = jax.tree.map(lambda g, d: learning_rate * g / d, lifted, scale)
        warmth, progress = explore(state, scale, learning_rate / data_size)
        still = jax.tree.map(jnp.zeros_like, state.velocity)
        motion = integrator(Motion(still, state.velocity, state.friction), Surroundings(scale, force, **warmth))
        return jax.tree.map(like, motion.step, updates), state._replace(
            velocity=_as(motion.velocity, state.velocity),
            friction=_as(motion.friction, state.friction),
            preconditioner=inner,
            **({"scale_before": _as(scale, state.scale_before)} if correction else {}),
            **progress,
        )

    return Rule(init, update, needs_of(preconditioner))


def _typed(key: Key | None) -> jax.Array:
    return wrap_key(0 if key is None else key)


def _first_velocity(params: Any, deviation: Scalar, draw: Noise, key: jax.Array, dtype: DType) -> Any:
    zeros = jax.tree.map(lambda p: zeros_for(identity, p, dtype), params)
    if _checks.is_absent(deviation):
        return zeros
    drawn = draw(key, 0, zeros)
    return _as(jax.tree.map(lambda u, z: u + deviation * z, zeros, drawn), zeros)  # the sum shards like the zeros


def _agitation(
    draws: Any, state: ThermostatState, scale: Any, eta: Any, beta: Any, diffusion: Scalar | Diffusion
) -> Any:
    """What noise adds to the velocity: sqrt(2 F eta / beta) zeta, and the correction where 1 / G_{t-1} is kept."""

    def noise(z: jax.Array, d: jax.Array, d_before: jax.Array) -> jax.Array:
        factor = diffusion(eta, d, d_before) if callable(diffusion) else diffusion * root_of(jnp.asarray(eta))
        return jnp.sqrt(2 / beta) * root_of(jnp.asarray(eta)) * root_of(factor) * z

    def correction(u: jax.Array, d: jax.Array, d_before: jax.Array) -> jax.Array:
        return jnp.where(u == 0, 0, eta / beta * (1 - d / d_before) / jnp.where(u == 0, 1, u))

    if not hasattr(state, "scale_before"):
        return jax.tree.map(noise, draws, scale, scale)
    before = jax.tree.map(lambda d, b: jnp.where(b == 0, d, b), scale, state.scale_before)
    corrections = jax.tree.map(correction, state.velocity, scale, before)
    return jax.tree.map(jnp.add, jax.tree.map(noise, draws, scale, before), corrections)


def _as(values: Any, before: Any) -> Any:
    return jax.tree.map(lambda x, b: x.astype(b.dtype), values, before)
