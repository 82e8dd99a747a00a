"""AdEMAMix, beside optax."""

from counterparts import Counterpart

COUNTERPARTS = {
    "optax.contrib.ademamix": Counterpart(
        {"learning_rate": 0.1},
        {"learning_rate": 0.1},
    )
}
