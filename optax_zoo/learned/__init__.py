"""Learned optimizers: the weights of `learned_lstm`, and meta-training of any optimizer made from numbers.

>>> import jax
>>> import optax_zoo as zoo
>>> from optax_zoo import learned
>>> weights = learned.init_weights(jax.random.key(0))
>>> tx = zoo.learned_lstm(0.1, weights=weights)
"""

from optax_zoo.learned.lstm import LSTMState, Weights, coordinatewise_lstm
from optax_zoo.learned.tasks import Loss, Task, quadratic, run
from optax_zoo.learned.training import MetaTrained, Report, meta_train
from optax_zoo.learned.weights import init_weights, load_weights, save_weights

__all__ = [
    "LSTMState",
    "Loss",
    "MetaTrained",
    "Report",
    "Task",
    "Weights",
    "coordinatewise_lstm",
    "init_weights",
    "load_weights",
    "meta_train",
    "quadratic",
    "run",
    "save_weights",
]
