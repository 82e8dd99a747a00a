"""Schedule-free AdamW, beside optax."""

from counterparts import Counterpart

COUNTERPARTS = {
    "optax.contrib.schedule_free_adamw": Counterpart(
        {"learning_rate": 0.1},
        {"learning_rate": 0.1},
        "",
    )
}
