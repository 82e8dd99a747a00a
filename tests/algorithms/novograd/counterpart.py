"""NovoGrad, beside optax."""

from counterparts import Counterpart

COUNTERPARTS = {
    "optax.novograd": Counterpart(
        {"learning_rate": 0.1, "b1": 0.9, "b2": 0.25, "eps": 1e-06, "eps_root": 0.0, "reseed": False},
        {"learning_rate": 0.1},
        "optax has other decays, eps outside the root, "
        "and seeds the average of a leaf at the first step even if its gradient is 0 there.",
    )
}
