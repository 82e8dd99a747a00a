"""NAdam, beside optax."""

from counterparts import Counterpart

COUNTERPARTS = {
    "optax.nadam": Counterpart(
        {"learning_rate": 0.1, "momentum_decay": None},
        {"learning_rate": 0.1},
        "optax's momentum is constant; that of the paper's implementations, and ours, warms up.",
        float32=0.0001,
    )
}
