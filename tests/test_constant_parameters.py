"""A step that is jitted over its gradients alone has the parameters as constants, with which XLA computes ahead.

The first biases of a network are zeros: no scale of their norm may become what 0 times it is not 0 any more.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from registered import FACES

import optax_zoo as zoo

PARAMS = {"kernel": np.linspace(-1.0, 1.0, 15, dtype="float32").reshape(5, 3), "bias": np.zeros(3, "float32")}
WITH_NORMS = {"adafactor", "adalite", "fromage", "lamb", "lars", "ldog"}
NAMES = [name for name in zoo.list_algorithms() if "curvature" not in zoo.describe(name).needs]


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in {*FACES, *WITH_NORMS} else [pytest.mark.slow]) for name in NAMES],
)
def test_constants_give_the_updates_that_arguments_give(name):
    tx = zoo.create(name, **zoo.describe(name).example)
    given = {"value": jnp.float32(1)} if "value" in zoo.describe(name).needs else {}

    def second(params, grads):
        _, state = tx.update(grads, tx.init(params), params, **given)
        return tx.update(grads, state, params, **given)[0]

    grads = jax.tree.map(jnp.ones_like, PARAMS)
    found, expected = jax.jit(lambda grads: second(PARAMS, grads))(grads), jax.jit(second)(PARAMS, grads)
    scale = max(float(jnp.max(jnp.abs(x))) for x in jax.tree.leaves(expected))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=1e-5 * scale), found, expected)
