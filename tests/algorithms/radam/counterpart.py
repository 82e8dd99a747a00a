"""RAdam, beside optax."""

from counterparts import Counterpart

COUNTERPARTS = {
    "optax.radam": Counterpart(
        {"learning_rate": 0.1, "eps": 0.0},
        {"learning_rate": 0.1, "eps": 0.0},
        "optax adds eps to the corrected root, we to the uncorrected one, as PyTorch does.",
        float32=1e-3,  # optax finds rho in float32, a difference of large numbers
    )
}
