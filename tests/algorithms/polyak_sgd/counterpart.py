"""Polyak's rate, beside optax."""

from counterparts import Counterpart

COUNTERPARTS = {"optax.polyak_sgd": Counterpart({"loss_min": 0.5}, {"f_min": 0.5, "variant": "sps+"})}
