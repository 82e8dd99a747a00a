"""Schedule-free SGD, beside optax."""

from counterparts import Counterpart

COUNTERPARTS = {
    "optax.contrib.schedule_free_sgd": Counterpart(
        {"learning_rate": 0.1},
        {"learning_rate": 0.1},
        "",
    )
}
