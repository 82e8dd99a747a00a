"""Adafactor, beside optax."""

from counterparts import Counterpart

COUNTERPARTS = {
    "optax.adafactor": Counterpart(
        {"learning_rate": 0.1, "min_dim_size_to_factor": 128},
        {"learning_rate": 0.1},
        "optax factors matrices of 128 by 128 and larger; we, as the paper, all.",
        float64=1e-6,  # optax finds its decay in float32
    )
}
