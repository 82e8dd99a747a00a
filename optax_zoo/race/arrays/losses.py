"""Loss and metric of supervised learning."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

Tree = Any
Functions = tuple[Callable[..., jax.Array], Callable[..., jax.Array]]


def classification(apply: Callable[..., Any]) -> Functions:
    """Loss and metric of a model that returns one score per class: cross-entropy, and accuracy.

    Args:
      apply: from parameters, inputs and, where there is one, the state to scores.
    """

    def loss(parameters: Tree, batch: Tree, *state: Tree) -> jax.Array:
        inputs, labels = batch
        scores = jnp.asarray(apply(parameters, inputs, *state))
        return optax.softmax_cross_entropy_with_integer_labels(scores, labels).mean()

    def accuracy(parameters: Tree, batch: Tree, *state: Tree) -> jax.Array:
        inputs, labels = batch
        return jnp.mean(jnp.argmax(jnp.asarray(apply(parameters, inputs, *state)), axis=-1) == labels)

    return loss, accuracy


def regression(apply: Callable[..., Any]) -> Functions:
    """Loss and metric of a model of numbers: the mean squared error, and R2, the share of the variance explained.

    Args:
      apply: from parameters, inputs and, where there is one, the state to numbers, perhaps with a last axis of one
        more than the targets.
    """

    def errors(parameters: Tree, batch: Tree, *state: Tree) -> jax.Array:
        inputs, targets = batch
        return jnp.square(jnp.asarray(apply(parameters, inputs, *state)).reshape(targets.shape) - targets)

    def loss(parameters: Tree, batch: Tree, *state: Tree) -> jax.Array:
        return jnp.mean(errors(parameters, batch, *state))

    def explained(parameters: Tree, batch: Tree, *state: Tree) -> jax.Array:
        targets = batch[1]
        return 1.0 - jnp.sum(errors(parameters, batch, *state)) / jnp.sum(
            jnp.square(targets - jnp.mean(targets, axis=0))
        )

    return loss, explained


def training(functions: Callable[..., Functions], train: Callable[..., Any]) -> Callable[..., tuple[jax.Array, Tree]]:
    """The loss of a training step, of a model that is another then than in evaluation.

    Args:
      functions: `classification` or `regression`.
      train: from parameters, inputs, a key and the state to scores and the new state.
    """
    of_scores, _ = functions(lambda scores, inputs: scores)

    def loss(parameters: Tree, batch: Tree, key: jax.Array, state: Tree) -> tuple[jax.Array, Tree]:
        inputs, targets = batch
        scores, state = train(parameters, inputs, key, state)
        return of_scores(scores, (inputs, targets)), state

    return loss
