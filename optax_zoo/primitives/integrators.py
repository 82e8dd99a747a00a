"""Integrators: one step of a thermostatted motion as a sequence of sub-steps, each with its share of the step.

An integrator is data: `integrator(((kick, 1), (drift, 1)))` kicks for a whole step, then drifts for one. The stage that
moves (see `thermostat`) hands any such sequence the same motion and surroundings; a sub-step of your own is a function
of (share, motion, surroundings) that returns the motion after it. Velocities point uphill, as gradients do.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from optax_zoo.primitives.expressions import number_expression
from optax_zoo.primitives.overflow import bounded
from optax_zoo.primitives.statistics import square


class Motion(NamedTuple):
    """What sub-steps change.

    Attributes:
      step: how far the parameters are to go, uphill.
      velocity: u.
      friction: alpha, the fraction of the velocity that is lost in a step.
    """

    step: Any
    velocity: Any
    friction: Any


class Surroundings(NamedTuple):
    """What stays the same throughout a step. Without any exploration there is neither agitation nor temperature.

    Attributes:
      scale: the preconditioner's estimate, 1 / G.
      force: rate times gradient over scale.
      agitation: what noise adds to the velocity while exploring, or None.
      temperature: eta / beta, the squared velocity at which the friction stays as it is.
      exploring: whether noise acts and the friction adapts.
    """

    scale: Any
    force: Any
    agitation: Any = None
    temperature: Any = 0.0
    exploring: Any = False


SubStep: TypeAlias = Callable[[float, Motion, Surroundings], Motion]


def drift(share: float, motion: Motion, at: Surroundings) -> Motion:
    """The parameters move: step + share u / scale."""
    step = jax.tree.map(lambda s, u, d: s + share * u / d, motion.step, motion.velocity, at.scale)
    return motion._replace(step=step)


def adapt(share: float, motion: Motion, at: Surroundings) -> Motion:
    """The thermostat: alpha + share (|u|^2 - temperature) while exploring."""

    def adapted(a: jax.Array, u: jax.Array) -> jax.Array:
        return a + jnp.where(at.exploring, share * (bounded(square(u)) - at.temperature), 0)

    return motion._replace(friction=jax.tree.map(adapted, motion.friction, motion.velocity))


def brake(share: float, motion: Motion, at: Surroundings) -> Motion:
    """Friction to first order: u (1 - share alpha), which diverges beyond alpha = 2: to a large number, not to NaN."""
    velocity = jax.tree.map(lambda u, a: bounded(u * (1 - share * a)), motion.velocity, motion.friction)
    return motion._replace(velocity=velocity)


def brake_exactly(share: float, motion: Motion, at: Surroundings) -> Motion:
    """Friction solved for: u exp(-share alpha)."""
    velocity = jax.tree.map(lambda u, a: u * jnp.exp(-share * a), motion.velocity, motion.friction)
    return motion._replace(velocity=velocity)


def kick(share: float, motion: Motion, at: Surroundings) -> Motion:
    """The gradient acts: u + share force."""
    return motion._replace(velocity=jax.tree.map(lambda u, f: u + share * f, motion.velocity, at.force))


def agitate(share: float, motion: Motion, at: Surroundings) -> Motion:
    """The noise acts: u + share agitation while exploring."""
    if at.agitation is None:
        return motion

    def agitated(u: jax.Array, n: jax.Array) -> jax.Array:
        return u + jnp.where(at.exploring, share * n, 0)

    return motion._replace(velocity=jax.tree.map(agitated, motion.velocity, at.agitation))


@dataclasses.dataclass(frozen=True)
class integrator:  # noqa: N801  (used like a function)
    """A sequence of sub-steps, each with its share of the step.

    Args:
      sub_steps: pairs of a sub-step (`drift`, `adapt`, `brake`, `brake_exactly`, `kick`, `agitate`, or a function of
        one's own) and its share.
      name: what it prints as.
    """

    sub_steps: tuple[tuple[SubStep, float], ...]
    name: str = ""

    def __call__(self, motion: Motion, at: Surroundings) -> Motion:
        for sub_step, share in self.sub_steps:
            motion = sub_step(share, motion, at)
        return motion

    def __repr__(self) -> str:
        pairs = [f"({sub_step.__name__}, {number_expression(share)})" for sub_step, share in self.sub_steps]
        return self.name or f"integrator(({', '.join(pairs)}{',' * (len(pairs) == 1)}))"


euler = integrator(((adapt, 1), (brake, 1), (kick, 1), (agitate, 1), (drift, 1)), "euler")

symmetric_splitting = integrator(
    (
        (drift, 1 / 2),
        (adapt, 1 / 2),
        (brake_exactly, 1 / 2),
        (kick, 1),
        (agitate, 1),
        (brake_exactly, 1 / 2),
        (adapt, 1 / 2),
        (drift, 1 / 2),
    ),
    "symmetric_splitting",
)
