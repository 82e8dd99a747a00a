"""COCOB, beside optax."""

from counterparts import Counterpart

COUNTERPARTS = {"optax.contrib.cocob": Counterpart({"weight_decay": 0.1}, {"weight_decay": 0.1})}
