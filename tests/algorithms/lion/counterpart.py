"""Lion, beside optax."""

from counterparts import Counterpart

COUNTERPARTS = {
    "optax.lion": Counterpart(
        {"learning_rate": 0.1, "weight_decay": 0.001},
        {"learning_rate": 0.1},
        "optax decays by 1e-3 unless told otherwise; the authors' code, and ours, do not.",
    )
}
