"""Optimistic Adam, beside optax."""

from counterparts import Counterpart

import optax_zoo as zoo

AHEAD = "optax's numerator looks ahead; ours, as the paper's, does not"


def ours() -> zoo.Pipeline:
    """With the numerator of optax."""
    return zoo.optimistic_adam(0.1).replace(numerator=zoo.nesterov_ema(0.9))


COUNTERPARTS = {
    "optax.optimistic_adam": Counterpart(
        ours, {"learning_rate": 0.1}, f"{AHEAD}. optax's optimism is not multiplied by the rate.", float32=0.0001
    ),
    "optax.optimistic_adam_v2": Counterpart(ours, {"learning_rate": 0.1}, f"{AHEAD}.", float32=0.0001),
}
