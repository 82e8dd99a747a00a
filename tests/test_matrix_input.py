"""Matrices that are no good: empty, of one row or column, of low rank, zero, huge, tiny: steps stay finite.

It is asked of every row that keeps anything of rows and columns, or that sees leaves as matrices.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from registered import FACES, is_heavy

import optax_zoo as zoo
from optax_zoo.conformance.subject import KNOWN
from optax_zoo.placement import sees_leaves

SHAPE = (4, 3)


def row(name):
    known = zoo.describe(name)
    return optax.with_extra_args_support(known.factory(**known.example))


def is_of_matrices(name):
    """Whether a row is of that family, sees leaves as matrices, or keeps anything of their rows and columns."""
    tx = row(name)
    state = jax.eval_shape(tx.init, jax.ShapeDtypeStruct((8, 4), jnp.float32))
    kept = {x.shape for x in jax.tree.leaves(state) if x.ndim == 2}
    return zoo.describe(name).family == "matrix" or sees_leaves(tx) or bool(kept - {(8, 4)})


MATRIX_ROWS = [
    pytest.param(name, marks=[pytest.mark.slow] if is_heavy(name) or name not in FACES else [])
    for name in zoo.list_algorithms()
    if is_of_matrices(name)
]


def bad(dtype):
    """Gradients by what is wrong with them."""
    normal = np.random.default_rng(0).normal
    one = np.outer(np.arange(1.0, 5.0), (1.0, -2.0, 3.0))
    mixed = normal(size=SHAPE) * np.array([[1e30], [1e-30], [1.0], [0.0]])
    grads = {
        "no rows": np.zeros((0, 3)),
        "no columns": np.zeros((4, 0)),
        "one row": normal(size=(1, 5)),
        "one column": normal(size=(5, 1)),
        "one element": normal(size=(1, 1)),
        "of rank 1": one,
        "zero": np.zeros(SHAPE),
        "huge": 1e30 * normal(size=SHAPE),
        "tiny": 1e-30 * normal(size=SHAPE),
        "huge and of rank 1": 1e30 * one,
        "tiny and of rank 1": 1e-30 * one,
        "both": mixed,
        "good": normal(size=SHAPE),
        "huge vector": 1e30 * normal(size=3),
    }
    return {name: jnp.asarray(value, dtype) for name, value in grads.items()}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", MATRIX_ROWS)
def test_updates_are_finite_whatever_a_matrix_is(name, dtype):
    tx, grads = row(name), bad(dtype)
    params = jax.tree.map(lambda g: jnp.full(g.shape, 0.5, dtype), grads)
    good = jax.tree.map(lambda g: jnp.ones(g.shape, dtype), grads)

    @jax.jit
    def step(grads, state, params):
        extra = {name: make(params, grads) for name, make in KNOWN.items()}
        updates, state = tx.update(grads, state, params, **extra)
        return optax.apply_updates(params, updates), state

    state = tx.init(params)
    for given in (grads, grads, good):  # what is kept of bad ones is no harm to what follows
        params, state = step(given, state, params)
        found = {name: bool(jnp.all(jnp.isfinite(p))) for name, p in params.items()}
        assert all(found.values()), found
