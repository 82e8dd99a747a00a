"""Adam, beside optax."""

from counterparts import Counterpart

COUNTERPARTS = {
    "optax.adam": Counterpart(
        {"learning_rate": 0.1},
        {"learning_rate": 0.1},
        "",
        float32=0.0001,
    )
}
