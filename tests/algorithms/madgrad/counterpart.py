"""MADGRAD, beside optax."""

from counterparts import Counterpart

COUNTERPARTS = {
    "optax.contrib.madgrad": Counterpart(
        {"learning_rate": 0.1},
        {"learning_rate": 0.1},
        "",
        float64=1e-6,  # optax finds the root of the step in float32
    )
}
