"""NAdamW, beside optax."""

from counterparts import Counterpart

import optax_zoo as zoo


def nadam_with_decay() -> zoo.Pipeline:
    return zoo.nadam(0.1, momentum_decay=None).replace(decay=zoo.decoupled_decay(1e-4))


COUNTERPARTS = {
    "optax.nadamw": Counterpart(
        nadam_with_decay,
        {"learning_rate": 0.1},
        "optax divides the look-ahead by 1 - b1^(t+1), as Dozat; ours, as timm's and the benchmark's, by 1 - b1^t; "
        "optax's weight_decay is 1e-4.",
        float32=1e-4,
    )
}
