"""Simplified AdEMAMix, beside optax."""

from counterparts import Counterpart

COUNTERPARTS = {
    "optax.contrib.simplified_ademamix": Counterpart(
        {"learning_rate": 0.1},
        {"learning_rate": 0.1},
    )
}
