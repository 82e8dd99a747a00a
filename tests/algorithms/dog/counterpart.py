"""DoG, beside optax."""

from counterparts import Counterpart

COUNTERPARTS = {
    "optax.contrib.dog": Counterpart(
        {"reps_rel": 0.01, "weight_decay": 0.1}, {"init_step": ("heuristic", 0.01), "weight_decay": 0.1}
    )
}
