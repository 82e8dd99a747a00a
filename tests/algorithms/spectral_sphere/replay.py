"""Spectral sphere: how the source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax.numpy as jnp
from harness import Replay
from sources import ascending

import optax_zoo as zoo

POLAR_EXPRESS = (
    (8.2051, -22.9019, 16.4607),
    (4.0664, -2.8612, 0.5184),
    (3.9096, -2.8234, 0.5250),
    (3.2856, -2.4153, 0.4853),
    (2.2779, -1.6198, 0.3985),
    (1.8726, -1.2307, 0.3585),
    (1.8564, -1.2132, 0.3568),
    (1.8750, -1.2500, 0.3750),
)


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    """What is not among the hyperparameters has its default there."""
    decay = h["weight_decay"]
    tx = zoo.spectral_sphere(
        h["lr"],
        h["momentum"],
        nesterov=h["nesterov"],
        power_steps=h.get("power_iteration_steps", 10),
        ns_steps=h.get("msign_steps", 5),
        ns_coefficients=POLAR_EXPRESS,
        tolerance=h.get("solver_tolerance_f", 1e-8),
        bisections=h.get("solver_max_iterations", 100),
        weight_decay=decay if h["weight_decouple"] else None,
        outputs="first",
        ns_dtype=jnp.bfloat16,
    ).slots["matrices"]
    if decay and not h["weight_decouple"]:
        tx = tx.replace(gradient=zoo.coupled_decay(decay))
    return ascending(tx, h)


REPLAYS = {"pytorch_optimizer": Replay(pytorch_optimizer)}
