"""Fromage, beside optax."""

from counterparts import Counterpart

COUNTERPARTS = {"optax.fromage": Counterpart({"learning_rate": 0.1}, {"learning_rate": 0.1})}
