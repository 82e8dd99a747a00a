"""The online problem on which Adam was shown not to converge."""

import jax
import jax.numpy as jnp
import numpy as np

from optax_zoo.race.task import Task, Tree
from optax_zoo.race.tasks.registry import task


@task("reddi", steps=101000, rate=0.01, expected=(-2.0, -1.9))
def reddi() -> Task:
    """A number x in [-1, 1], from 0, with gradient 1010 in every 101st step, the first among them, and else -10.

    The mean gradient is positive, so -1 is best; x is clipped to [-1, 1] after each step. The metric is minus the
    distance to -1: 0 at the best end, -2 at the worst. Training, validation and test see the same function.

    Source: S. J. Reddi, S. Kale, S. Kumar: On the Convergence of Adam and Beyond. ICLR 2018, section 5. There Adam
    (b1 = 0.9, b2 = 0.99) ends at +1 and AMSGrad at -1.
    """
    gradients = np.full(101, -10, np.float32)
    gradients[0] = 1010

    def loss(x: Tree, batch: Tree) -> jax.Array:
        return x * jnp.mean(batch)

    return Task(
        name="reddi",
        init=lambda key: jnp.zeros(()),
        loss=loss,
        metric=lambda x, batch: -(x + 1) + 0 * jnp.mean(batch),
        train=gradients,
        validation=gradients,
        test=gradients,
        metric_name="negative distance",
        batch_size=1,
        target=-0.1,
        project=lambda x: jnp.clip(x, -1, 1),
        shuffle=False,
    )
