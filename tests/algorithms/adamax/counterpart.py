"""AdaMax, beside optax."""

from counterparts import Counterpart

COUNTERPARTS = {
    "optax.adamax": Counterpart(
        {"learning_rate": 0.1},
        {"learning_rate": 0.1},
        "",
    )
}
