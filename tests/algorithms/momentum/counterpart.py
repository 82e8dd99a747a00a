"""Momentum, beside optax."""

from counterparts import Counterpart

COUNTERPARTS = {
    "optax.sgd": Counterpart(
        {"learning_rate": 0.1, "rate_inside": False},
        {"learning_rate": 0.1, "momentum": 0.9},
        "optax.sgd has no momentum unless asked for. "
        "Its momentum adds up gradients, ours steps, which differ while the rate changes.",
    )
}
