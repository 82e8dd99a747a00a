"""AdamW, beside optax."""

from counterparts import Counterpart

COUNTERPARTS = {
    "optax.adamw": Counterpart(
        {"learning_rate": 0.1, "weight_decay": 0.0001},
        {"learning_rate": 0.1},
        "optax decays by 1e-4; our default is PyTorch's 1e-2.",
        float32=0.0001,
    )
}
