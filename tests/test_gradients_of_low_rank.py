"""Matrices large enough for XLA to vectorize, whose gradients have few directions: updates stay finite."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import optax_zoo as zoo

OF_MATRICES = {"matrix", "low_rank", "curvature"}
ROWS, COLUMNS, RANK, STEPS = 200, 160, 4, 25


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name == "soap" else pytest.mark.slow)
        for name in zoo.list_algorithms()
        if zoo.describe(name).family in OF_MATRICES
    ],
)
def test_updates_are_finite(name):
    random = np.random.default_rng(0)
    left, right = random.normal(size=(ROWS, RANK)), random.normal(size=(RANK, COLUMNS))
    params = jnp.asarray(random.normal(size=(ROWS, COLUMNS)), jnp.float32)
    tx = optax.with_extra_args_support(zoo.create(name, learning_rate=1e-2))
    state, update = tx.init(params), jax.jit(tx.update)
    for _ in range(STEPS):
        seen = random.random((ROWS, 1)) < 0.5
        grads = jnp.asarray(1e-3 * (left * seen) @ random.normal(size=(RANK, RANK)) @ right, jnp.float32)
        updates, state = update(grads, state, params, value=jnp.float32(1.0), curvature=jnp.square(grads))
        assert np.isfinite(updates).all()
        params = optax.apply_updates(params, updates)
