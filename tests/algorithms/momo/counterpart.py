"""MoMo, beside optax."""

from counterparts import Counterpart

COUNTERPARTS = {
    "optax.contrib.momo": Counterpart(
        {"loss_min": 0.5, "adapt_loss_min": True}, {"lower_bound": 0.5, "adapt_lower_bound": True}
    )
}
