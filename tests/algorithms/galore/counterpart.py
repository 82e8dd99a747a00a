"""GaLore, beside optax."""

from counterparts import Counterpart

import optax_zoo as zoo


def ours() -> zoo.Route:
    tx = zoo.galore(0.1, rank=2, every=200, side="larger", scale=1.0)
    adam = zoo.adam(0.1)
    return zoo.route(matrices=adam.replace(basis=tx.slots["matrices"].slots["basis"]), rest=adam)


COUNTERPARTS = {
    "optax.contrib.galore": Counterpart(
        ours,
        {"learning_rate": 0.1, "rank": 2},
        "optax projects the larger side of a matrix where the authors' code projects the smaller, adds eps to the "
        "corrected root, has no factor for matrices by default, and leaves kernels of three axes to Adam.",
        float32=1e-4,
        float64=1e-5,
    )
}
