"""Muon, beside optax."""

from counterparts import Counterpart

import optax_zoo as zoo


def ours() -> zoo.Route:
    tx = zoo.muon(0.1, eps=1e-8, rest=zoo.nadam(0.1, momentum_decay=None))
    return tx.replace(matrices=tx.slots["matrices"].replace(numerator=zoo.nesterov_ema(0.95)))


COUNTERPARTS = {
    "optax.contrib.muon": Counterpart(
        ours,
        {"learning_rate": 0.1},
        "optax corrects gradient and average apart, as NAdam does, where the authors' code takes the plain look-ahead, "
        "and moves what is no matrix by NAdam at the same rate, where they have Adam, with numbers of its own.",
        float32=1e-4,
    )
}
