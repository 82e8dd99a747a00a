"""AdaGrad, beside optax."""

from counterparts import Counterpart

COUNTERPARTS = {
    "optax.adagrad": Counterpart(
        {"learning_rate": 0.1, "eps": 0.0, "eps_root": 1e-07, "initial_accumulator": 0.1},
        {"learning_rate": 0.1},
        "optax starts the sum at 0.1 and adds 1e-7 inside the root, as TensorFlow 1 did; "
        "our sum starts at 0, and eps is outside, as PyTorch's.",
    )
}
