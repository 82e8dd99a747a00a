"""SM3, beside optax."""

from counterparts import Counterpart

COUNTERPARTS = {
    "optax.sm3": Counterpart(
        {"learning_rate": 0.1, "eps_root": 1e-8}, {"learning_rate": 0.1}, "optax has 1e-8 in place of our 1e-30."
    )
}
