"""Optimistic gradient descent, beside optax."""

from counterparts import Counterpart

COUNTERPARTS = {"optax.optimistic_gradient_descent": Counterpart({"learning_rate": 0.1}, {"learning_rate": 0.1})}
