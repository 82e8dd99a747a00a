"""MNIST-1D: ten shapes as noisy signals of 40 numbers, made to tell models and optimizers apart in seconds."""

import functools
import random

import numpy as np

from optax_zoo.race.task import Task
from optax_zoo.race.tasks.parts import Examples, classifier, convolution, split
from optax_zoo.race.tasks.registry import task
from optax_zoo.running.errors import require


@task("mnist1d_mlp", steps=1500, rate=0.01, expected=(0.55, 0.7))
def mnist1d_mlp() -> Task:
    """MNIST-1D and a perceptron with two hidden layers of 100 units (15,210 parameters), as its authors' baseline.

    Cross-entropy, batches of 100. The published test accuracy is 68 % after 6,000 steps on all 4,000 examples, of which
    500 are held out for validation here.

    Raises:
      MissingExtraError: without Flax, scikit-learn or mnist1d.
    """
    require("flax", "sklearn")
    from flax import linen as nn

    model = nn.Sequential([nn.Dense(100), nn.relu, nn.Dense(100), nn.relu, nn.Dense(10)])
    return classifier("mnist1d_mlp", model, mnist1d(), batch_size=100, target=0.5)


@task("mnist1d_cnn", steps=1500, rate=0.01, expected=(0.87, 0.96))
def mnist1d_cnn() -> Task:
    """MNIST-1D and three convolutions of 25 channels with stride 2 (5,210 parameters), as its authors' baseline.

    Cross-entropy, batches of 100. The published test accuracy is 94 % after 6,000 steps on all 4,000 examples, of which
    500 are held out for validation here.

    Raises:
      MissingExtraError: without Flax, scikit-learn or mnist1d.
    """
    require("flax", "sklearn")
    from flax import linen as nn

    model = nn.Sequential(
        [
            lambda signals: signals[..., None],
            convolution(25, size=5, axes=1, padding=1),
            nn.relu,
            convolution(25, size=3, axes=1, padding=1),
            nn.relu,
            convolution(25, size=3, axes=1, padding=1),
            nn.relu,
            lambda features: features.reshape(*features.shape[:-2], -1),
            nn.Dense(10),
        ]
    )
    return classifier("mnist1d_cnn", model, mnist1d(), batch_size=100, target=0.8)


@functools.cache
def mnist1d() -> tuple[Examples, Examples, Examples]:
    """The data set as its authors' package generates it: 3,500 training, 500 validation and 1,000 test examples.

    Raises:
      MissingExtraError: without scikit-learn or mnist1d.
    """
    require("sklearn")
    require("mnist1d", extra="tasks")
    from mnist1d.data import make_dataset

    before = random.getstate(), np.random.get_state()  # the package seeds both
    try:
        made = make_dataset()
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
    train, validation = split(made["x"], made["y"], (500,))
    return train, validation, (made["x_test"].astype(np.float32), made["y_test"].astype(np.int32))
