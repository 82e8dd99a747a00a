"""Loss and metric of supervised learning."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

Tree = Any
Functions = tuple[Callable[[Tree, Tree], jax.Array], Callable[[Tree, Tree], jax.Array]]


def classification(apply: Callable[..., Any]) -> Functions:
    """Loss and metric of a model that returns one score per class: cross-entropy, and accuracy.

    Args:
      apply: from parameters and inputs to scores.
    """

    def scores(parameters: Tree, inputs: jax.Array) -> jax.Array:
        return jnp.asarray(apply(parameters, inputs))

    def loss(parameters: Tree, batch: Tree) -> jax.Array:
        inputs, labels = batch
        return optax.softmax_cross_entropy_with_integer_labels(scores(parameters, inputs), labels).mean()

    def accuracy(parameters: Tree, batch: Tree) -> jax.Array:
        inputs, labels = batch
        return jnp.mean(jnp.argmax(scores(parameters, inputs), axis=-1) == labels)

    return loss, accuracy


def regression(apply: Callable[..., Any]) -> Functions:
    """Loss and metric of a model of numbers: the mean squared error, and R2, the share of the variance explained.

    Args:
      apply: from parameters and inputs to numbers, perhaps with a last axis of one more than the targets.
    """

    def errors(parameters: Tree, batch: Tree) -> jax.Array:
        inputs, targets = batch
        return jnp.square(jnp.asarray(apply(parameters, inputs)).reshape(targets.shape) - targets)

    def loss(parameters: Tree, batch: Tree) -> jax.Array:
        return jnp.mean(errors(parameters, batch))

    def explained(parameters: Tree, batch: Tree) -> jax.Array:
        targets = batch[1]
        return 1.0 - jnp.sum(errors(parameters, batch)) / jnp.sum(jnp.square(targets - jnp.mean(targets, axis=0)))

    return loss, explained
