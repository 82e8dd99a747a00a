"""Noisy variants of a task: wrong labels, and noise added to the gradient of each step."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from optax_zoo._checks import is_number
from optax_zoo.race.task import Task, Tree
from optax_zoo.race.tasks.images import digits_mlp
from optax_zoo.race.tasks.registry import task
from optax_zoo.running.errors import RaceError


@task("digits_label_noise", steps=600, rate=0.001, expected=(0.85, 0.97))
def digits_label_noise(fraction: float = 0.4) -> Task:
    """`digits_mlp` with wrong labels on 40 % of the training examples."""
    return with_label_noise(digits_mlp(), fraction)


@task("digits_gradient_noise", steps=600, rate=0.003, expected=(0.9, 1.0))
def digits_gradient_noise(scale: float = 0.03) -> Task:
    """`digits_mlp` with normal noise of standard deviation 0.03 added to each entry of each gradient."""
    return with_gradient_noise(digits_mlp(), scale)


def with_label_noise(task: Task, fraction: float, seed: int = 0) -> Task:
    """The task with another class, uniformly drawn, in place of the label of a fraction of the training examples.

    Which examples and which classes follow from `seed` alone. Validation and test labels stay as they are.

    Args:
      task: one whose examples are pairs of inputs and integer labels.
      fraction: of the training examples, from 0 to 1.
      seed: of the draw; by default 0.

    Raises:
      RaceError: if the fraction is out of range or the task has no such labels.
    """
    if not is_number(fraction) or not 0 <= fraction <= 1:
        raise RaceError(f"fraction is {fraction!r}, but must be from 0 to 1.")
    pair = isinstance(task.train, tuple) and len(task.train) == 2
    labels = np.array(task.train[1]) if pair else np.zeros(())
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise RaceError(f"task {task.name!r} has no labels to disturb: train must be (inputs, whole numbers).")
    classes = np.unique(labels)
    random = np.random.default_rng(seed)
    chosen = random.permutation(len(labels))[: round(fraction * len(labels))]
    shift = random.integers(1, max(len(classes), 2), len(chosen))
    labels[chosen] = classes[(np.searchsorted(classes, labels[chosen]) + shift) % len(classes)]
    return dataclasses.replace(task, name=f"{task.name} with label noise {fraction:g}", train=(task.train[0], labels))


def with_gradient_noise(task: Task, scale: float) -> Task:
    """The task with normal noise added to the gradient of each training step; losses and metrics stay exact.

    Args:
      task: any.
      scale: standard deviation of the noise on each entry of the gradient, at least 0.

    Raises:
      RaceError: if the scale is out of range.
    """
    if not is_number(scale) or not 0 <= scale < np.inf:
        raise RaceError(f"scale is {scale!r}, but must be a finite number, at least 0.")

    def training(parameters: Tree, batch: Tree, key: jax.Array, state: Tree) -> tuple[jax.Array, Tree]:
        noise, rest = jax.random.split(key)
        loss, state = task.step_loss(parameters, batch, rest, state)
        return loss + scale * _pull(parameters, noise), state

    return dataclasses.replace(task, name=f"{task.name} with gradient noise {scale:g}", training=training)


def _pull(parameters: Tree, key: jax.Array) -> jax.Array:
    """Zero, with a gradient of standard normal noise."""
    leaves = jax.tree.leaves(parameters)
    keys = jax.random.split(key, len(leaves))
    noise = [jax.random.normal(k, x.shape, x.dtype) for k, x in zip(keys, leaves, strict=True)]
    product = sum((jnp.vdot(n, x) for n, x in zip(noise, leaves, strict=True)), jnp.zeros(()))
    return product - jax.lax.stop_gradient(product)
