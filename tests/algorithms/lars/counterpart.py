"""LARS, beside optax."""

from counterparts import Counterpart

COUNTERPARTS = {
    "optax.lars": Counterpart(
        {"learning_rate": 0.1, "weight_decay": None},
        {"learning_rate": 0.1, "weight_decay": 0.0},
        "optax takes the norm of gradient and weight decay together, and by default does not decay.",
    )
}
