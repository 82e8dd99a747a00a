"""LAMB, beside optax."""

from counterparts import Counterpart

COUNTERPARTS = {
    "optax.lamb": Counterpart(
        {"learning_rate": 0.1, "weight_decay": 0.3},
        {"learning_rate": 0.1, "weight_decay": 0.3},
        "optax does not decay weights unless asked to; our default is the paper's 1e-2.",
        float32=0.0001,
    )
}
