"""What several tasks share: splits, classifiers and convolutions."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from optax_zoo.race.arrays.losses import classification
from optax_zoo.race.task import Task

Examples = tuple[np.ndarray, np.ndarray]


def split(inputs: np.ndarray, labels: np.ndarray, sizes: Sequence[int]) -> list[Examples]:
    """Stratified parts, always the same, as float32 and int32: first what is left, then one of each size."""
    from sklearn.model_selection import train_test_split

    rest, parts = np.arange(len(labels)), []
    for size in reversed(sizes):
        rest, part = train_test_split(rest, test_size=size, stratify=labels[rest], random_state=0)
        parts.append(part)
    return [(inputs[p].astype(np.float32), labels[p].astype(np.int32)) for p in (rest, *reversed(parts))]


def classifier(name: str, model: Any, parts: Sequence[Examples], **options: Any) -> Task:
    """A task of a Flax module that returns one score per class: cross-entropy, and accuracy as the metric.

    Args:
      name: of the task.
      model: a `flax.linen` module without mutable state and randomness.
      parts: training, validation and test examples, each a pair of inputs and integer labels.
      **options: further fields of `Task`.
    """

    loss, accuracy = classification(model.apply)
    train, validation, test = parts
    return Task(
        name=name,
        init=lambda key: model.init(key, train[0][:1]),
        loss=loss,
        metric=accuracy,
        train=train,
        validation=validation,
        test=test,
        **options,
    )


def convolution(features: int, size: int, axes: int, padding: int) -> Any:
    """A Flax module: a convolution with stride 2 over the `axes` axes before the last, as a product with its windows.

    `flax.linen.Conv` computes the same, but on a CPU XLA's convolutions are several times slower, most of all in a
    loop and under `vmap`.
    """
    from flax import linen as nn

    def windows(x: jax.Array) -> jax.Array:
        for axis in range(-1 - axes, -1):
            x = jnp.pad(x, [(padding, padding) if i == x.ndim + axis else (0, 0) for i in range(x.ndim)])
            last = x.shape[axis] - size
            x = jnp.concatenate([jax.lax.slice_in_dim(x, i, i + last + 1, 2, axis) for i in range(size)], axis=-1)
        return x

    return nn.Sequential([windows, nn.Dense(features)])
