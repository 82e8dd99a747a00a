"""A matrix of low rank, of which some entries are known."""

import jax
import jax.numpy as jnp
import numpy as np

from optax_zoo.race.arrays.losses import regression
from optax_zoo.race.task import Task, Tree
from optax_zoo.race.tasks.registry import task

ROWS, COLUMNS, RANK, FACTORS = 200, 100, 8, 16
SPREAD = 30.0  # largest over smallest singular value
LEAST = 1e-12  # of a share that is not explained
PARTS = (6000, 1000, 2000)


@task("matrix_factors", steps=600, rate=0.01, expected=(1.2, 3.5))
def matrix_factors() -> Task:
    r"""Two factors of a 200 x 100 matrix, from 6,000 of its 20,000 entries.

    The matrix has rank 8, singular values from 1 to 1/30 in proportion, and entries of unit variance. Factors have 16
    columns (4,800 parameters) and begin at normal numbers times 0.1. The loss is the mean of
    :math:`(u_i^\top v_j - m_{ij})^2` over a batch of 500 entries, which moves only the rows that it names. The metric
    is :math:`-\log_{10}` of the share of the variance of other entries that is not explained, at most 12. The problem
    is not convex, the same under rotations of the factors, and badly scaled.
    """
    random = np.random.default_rng(0)
    left, right = (np.linalg.qr(random.normal(size=(size, RANK)))[0] for size in (ROWS, COLUMNS))
    matrix = (left * np.geomspace(1, 1 / SPREAD, RANK)) @ right.T
    entries = random.permutation(ROWS * COLUMNS)[: sum(PARTS)]
    places = np.stack(np.unravel_index(entries, matrix.shape), axis=1).astype(np.int32)
    values = (matrix / matrix.std()).ravel()[entries].astype(np.float32)
    cuts = np.cumsum(PARTS)[:-1]
    train, validation, test = zip(np.split(places, cuts), np.split(values, cuts), strict=True)

    def init(key: jax.Array) -> Tree:
        keys = jax.random.split(key)
        shapes = {"rows": (ROWS, FACTORS), "columns": (COLUMNS, FACTORS)}
        return {
            name: 0.1 * jax.random.normal(key, shape) for key, (name, shape) in zip(keys, shapes.items(), strict=True)
        }

    def apply(parameters: Tree, places: jax.Array) -> jax.Array:
        return jnp.sum(parameters["rows"][places[:, 0]] * parameters["columns"][places[:, 1]], axis=1)

    loss, explained = regression(apply)

    def digits_of_accuracy(parameters: Tree, batch: Tree) -> jax.Array:
        return -jnp.log10(jnp.maximum(1 - explained(parameters, batch), LEAST))

    return Task(
        name="matrix_factors",
        init=init,
        loss=loss,
        metric=digits_of_accuracy,
        train=train,
        validation=validation,
        test=test,
        metric_name="digits of accuracy",
        batch_size=500,
        target=1.0,
    )
