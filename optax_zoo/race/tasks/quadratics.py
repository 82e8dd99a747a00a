"""Quadratics: a plain one of a chosen condition number, and the noisy one of DeepOBS."""

import jax
import jax.numpy as jnp
import numpy as np

from optax_zoo._checks import is_number
from optax_zoo.race.task import Task, Tree
from optax_zoo.race.tasks.registry import task
from optax_zoo.running.errors import RaceError

SMALLEST_GAP = 1e-12


@task("quadratic", steps=300, rate=0.1, expected=(2.0, 12.0))
def quadratic(condition: float = 100.0, dimension: int = 20) -> Task:
    """f(x) = x'Qx / 2 + b'x, convex and without noise, from a normal random start that differs between seeds.

    Q has a random basis and eigenvalues from 1 / `condition` to 1, evenly spaced in their logarithm; b puts the minimum
    at a normal random point. Both are always the same. The metric is -log10(f(x) - min f), at most 12. There is no
    data: training, validation and test see the same function, so nothing is learned here about generalization.

    Args:
      condition: largest over smallest eigenvalue, at least 1; by default 100.
      dimension: of x, at least 2; by default 20.

    Raises:
      RaceError: if an argument is out of its range.
    """
    if not is_number(condition) or not 1 <= condition < np.inf:
        raise RaceError(f"condition is {condition!r}, but must be a finite number, at least 1.")
    if not isinstance(dimension, int) or dimension < 2:
        raise RaceError(f"dimension is {dimension!r}, but must be a whole number, at least 2.")
    random = np.random.default_rng(0)
    basis = np.linalg.qr(random.normal(size=(dimension, dimension)))[0]
    eigenvalues = np.geomspace(1 / condition, 1, dimension)
    hessian = (basis * eigenvalues) @ basis.T
    minimum = random.normal(size=dimension)
    linear = -hessian @ minimum
    q, b, best, turn, scale = (x.astype(np.float32) for x in (hessian, linear, minimum, basis.T, eigenvalues))

    def loss(x: Tree, batch: Tree) -> jax.Array:
        return x @ q @ x / 2 + b @ x + 0 * jnp.mean(batch)

    def digits_of_accuracy(x: Tree, batch: Tree) -> jax.Array:
        gap = jnp.sum(scale * (turn @ (x - best)) ** 2) / 2 + 0 * jnp.mean(batch)
        return -jnp.log10(jnp.maximum(gap, SMALLEST_GAP))

    nothing = np.zeros(1, np.float32)
    return Task(
        name="quadratic",
        init=lambda key: jax.random.normal(key, (dimension,)),
        loss=loss,
        metric=digits_of_accuracy,
        train=nothing,
        validation=nothing,
        test=nothing,
        metric_name="digits of accuracy",
        batch_size=1,
        target=2.0,
    )


@task("quadratic_deep", steps=700, rate=0.0398, expected=(-88.0, -86.9))
def quadratic_deep() -> Task:
    """The problem `quadratic_deep` of DeepOBS: mean of (x - z)'Q(x - z) / 2 over examples z, from x = 1.

    Q is 100 x 100, with 90 eigenvalues drawn from U(0, 1) and 10 from U(30, 60), as was reported for neural networks,
    and a random rotation. The examples z are normal with standard deviation 0.6. Batches of 128 for 100 epochs of 7
    steps. Q, the 1,000 training examples (seed 42) and the 896 test examples (the 7 full batches out of 1,000 of seed
    43) are those of DeepOBS; the 1,000 validation examples (seed 44) are our own, as DeepOBS has none. The metric is
    minus the loss, which has a floor of about 87 because of the examples' spread.

    Source: https://github.com/fsschneider/DeepOBS. Published test losses over 10 seeds: Adam 87.11 +- 0.02 at a rate of
    0.0398, momentum of 0.99 87.05 +- 0.02, SGD 87.40 +- 0.16.
    """
    random = np.random.RandomState(42)
    eigenvalues = np.concatenate([random.uniform(0, 1, 90), random.uniform(30, 60, 10)])
    rotation = random_rotation(100, random)
    hessian = (rotation.T @ (eigenvalues[:, None] * rotation)).astype(np.float32)

    def loss(x: Tree, batch: Tree) -> jax.Array:
        difference = x - batch
        return jnp.mean(jnp.sum(difference @ hessian * difference, axis=-1)) / 2

    return Task(
        name="quadratic_deep",
        init=lambda key: jnp.ones(100),
        loss=loss,
        metric=lambda x, batch: -loss(x, batch),
        train=_normal_examples(42),
        validation=_normal_examples(44),
        test=_normal_examples(43)[:896],
        metric_name="negative loss",
        batch_size=128,
        target=None,
    )


def _normal_examples(seed: int) -> np.ndarray:
    return np.random.RandomState(seed).normal(0.0, 0.6, (1000, 100)).astype(np.float32)


def random_rotation(dimension: int, random: np.random.RandomState) -> np.ndarray:
    """A rotation from the Haar measure by the subgroup algorithm of Diaconis and Shahshahani (1987).

    Starting from a plane rotation, each further dimension is added as a fixed axis, which a Householder reflection
    then sends to a random unit vector.
    """
    angle = 2 * np.pi * random.uniform()
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    for size in range(3, dimension + 1):
        larger = np.eye(size)
        larger[1:, 1:] = rotation
        goal = random.normal(size=size)
        normal = np.eye(size)[0] - goal / np.linalg.norm(goal)
        normal /= np.linalg.norm(normal)
        rotation = larger - 2 * np.outer(normal, normal @ larger)
    return -rotation
