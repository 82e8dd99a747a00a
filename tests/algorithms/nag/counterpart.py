"""Nesterov's accelerated gradient, beside optax."""

from counterparts import Counterpart

COUNTERPARTS = {
    "optax.sgd": Counterpart(
        {"learning_rate": 0.1},
        {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True},
        "optax.sgd has no momentum unless asked for.",
    )
}
