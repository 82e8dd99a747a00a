"""AdaDelta, beside optax."""

from counterparts import Counterpart

COUNTERPARTS = {
    "optax.adadelta": Counterpart(
        {"learning_rate": 0.1, "rho": 0.9},
        {"learning_rate": 0.1},
        "optax's rho is 0.9, as PyTorch's; ours is the paper's 0.95.",
    )
}
