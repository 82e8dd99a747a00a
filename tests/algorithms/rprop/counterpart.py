"""Rprop, beside optax."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from counterparts import Counterpart

import optax_zoo as zoo


@zoo.primitive
def one_step_late() -> zoo.Rule:
    """Returns the step before, or 0 where the gradient has turned since."""

    def update(updates: Any, state: Any, params: Any = None, *, gradient: Any, **extra_args: Any) -> Any:
        return jax.tree.map(lambda before, g: jnp.where(before * g > 0, 0, before), state, gradient), updates

    return zoo.Rule(lambda params: jax.tree.map(jnp.zeros_like, params), update)


def late() -> optax.GradientTransformation:
    return zoo.rprop(0.1, min_size=1e-5, max_size=500.0).replace(velocity=one_step_late())


COUNTERPARTS = {
    "optax.rprop": Counterpart(
        late,
        {"learning_rate": 0.1},
        "optax takes each step one call late: the first is 0, and where the gradient turns both this one and the next "
        "are. The least and the largest size are relative to the rate here, absolute in optax.",
    )
}
