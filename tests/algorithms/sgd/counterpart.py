"""SGD, beside optax."""

from counterparts import Counterpart

COUNTERPARTS = {
    "optax.sgd": Counterpart(
        {"learning_rate": 0.1},
        {"learning_rate": 0.1},
        "",
    )
}
