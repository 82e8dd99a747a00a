"""Yogi, beside optax."""

from counterparts import Counterpart

import optax_zoo as zoo


def with_initial_mean() -> zoo.Pipeline:
    mean = zoo.scaled(lambda count: 1 / (1 - 0.9 ** (count + 1.0)), zoo.ema(0.9, initial=1e-6))
    return zoo.yogi(0.1).replace(numerator=mean)


COUNTERPARTS = {
    "optax.yogi": Counterpart(
        with_initial_mean,
        {"learning_rate": 0.1},
        "optax starts the average gradient from 1e-6, as the average square; ours starts from 0.",
        float32=1e-4,
    )
}
