"""Prodigy, beside optax."""

from counterparts import Counterpart

COUNTERPARTS = {
    "optax.contrib.prodigy": Counterpart(
        {"d0": 0.01, "use_bias_correction": True},
        {"estim_lr0": 0.01},
        "optax always corrects the rate for averages that start at 0, an option that the authors leave off.",
    )
}
