"""RMSProp, beside optax."""

from counterparts import Counterpart

COUNTERPARTS = {
    "optax.rmsprop": Counterpart(
        {"learning_rate": 0.1, "eps": 0.0, "eps_root": 1e-08},
        {"learning_rate": 0.1},
        "optax adds eps inside the root, as TensorFlow 1 did; ours is outside, as in PyTorch, Keras and Chainer.",
    )
}
