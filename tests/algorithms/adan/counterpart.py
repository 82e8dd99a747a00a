"""Adan, beside optax."""

from counterparts import Counterpart

import optax_zoo as zoo

CHANGE = zoo.serial(difference=zoo.difference(), average=zoo.debiased(zoo.ema(0.92)))
COUNTERPARTS = {
    "optax.adan": Counterpart(
        lambda: zoo.adan(0.1).replace(
            numerator=zoo.parallel(gradient=zoo.debiased(zoo.ema(0.98)), change=zoo.scaled(0.08, CHANGE)),
            denominator=zoo.extrapolated(
                zoo.root(zoo.debiased(zoo.ema(0.99, of=zoo.square)), eps=1e-8, eps_root=1e-8), 0.08
            ),
        ),
        {"learning_rate": 0.1},
        "optax weighs the change of gradients with 1 - b2 = 0.08, the authors' code and ours with b2 = 0.92; optax has "
        "an eps inside the root, too.",
    )
}
