"""signSGD, beside optax."""

from counterparts import Counterpart

COUNTERPARTS = {
    "optax.sign_sgd": Counterpart(
        {"learning_rate": 0.1, "b1": None},
        {"learning_rate": 0.1},
        "Ours takes the sign of the average gradient, as `signum` of optax does.",
    ),
    "optax.signum": Counterpart({"learning_rate": 0.1}, {"learning_rate": 0.1}),
}
