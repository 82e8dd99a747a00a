"""What replays are evaluated by, beside XLA."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from in_numpy import in_numpy

from optax_zoo.compat import enable_x64

RNG = np.random.default_rng(0)
MATRIX, VECTOR = RNG.normal(size=(3, 4)), RNG.normal(size=4)

FUNCTIONS = {
    "elements": lambda a, v: (
        jnp.clip(jnp.sqrt(jnp.abs(a)) ** 1.5 / (1 + jnp.exp(-v)), 0.1, jnp.square(v) + 1) - jnp.sign(a)
    ),
    "comparisons": lambda a, v: jnp.where((a > v) & ~(v >= 0.5) | (a == v), a, jnp.inf) <= jnp.maximum(v, 1 / (a - a)),
    "integers": lambda a, v: (jnp.arange(7) // 3 - 4, jnp.arange(7) % 3, a.astype(jnp.int32), jnp.int32(7) ** 2),
    "sums": lambda a, v: (a.sum(0), a.max(1, initial=0), a.min(), jnp.all(a > -9, axis=0), jnp.any(a > 1), jnp.prod(v)),
    "layouts": lambda a, v: (
        jnp.concatenate([a.T, a.T[::-1, ::2]], 1),
        jnp.broadcast_to(v, (2, 3, 4)),
        a[1:, None, :2],
    ),
    "products": lambda a, v: (
        a @ a.T,
        a @ v,
        v @ v,
        jnp.einsum("bij,bkj->bik", jnp.stack([a, 2 * a]), a[None].repeat(2, 0)),
    ),
    "nothing": lambda a, v: (a[:, :0] @ a[:, :0].T, a[:0] @ v, a[:0].sum()),
    "decompositions": lambda a, v: (jnp.linalg.cholesky(a @ a.T + jnp.eye(3)), jnp.linalg.qr(a)[0], jnp.sort(v)),
    "draws": lambda a, v: jax.random.normal(jax.random.split(jax.random.key(3))[1], (5,)),
    "bits": lambda a, v: jax.lax.bitcast_convert_type(jnp.float32(1.5) * v.astype(jnp.float32), jnp.int32) & 0xFF,
    "branches": lambda a, v: jax.lax.switch(jnp.argmax(v), [lambda x, n=n: x + n for n in range(4)], a),
    "loops": lambda a, v: jax.lax.while_loop(lambda x: jnp.linalg.norm(x) < 100, lambda x: x @ (a.T @ a) + v, v),
    "scans": lambda a, v: jax.lax.scan(lambda c, row: (c + row, {"all": c * row}), v, a, reverse=True),
    "empty scans": lambda a, v: jax.lax.scan(lambda c, row: (c + row, c), v, a[:0]),
    "bfloat16": lambda a, v: (a.astype(jnp.bfloat16) @ v.astype(jnp.bfloat16)).astype(jnp.float32),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_finds_what_xla_finds(name, dtype):
    with enable_x64(dtype == "float64"):
        args = jnp.asarray(MATRIX, dtype), jnp.asarray(VECTOR, dtype)
        expected = FUNCTIONS[name](*args)  # compiled, bfloat16 is not rounded between operations
        found = in_numpy(FUNCTIONS[name])(*args)
        assert jax.tree.structure(found) == jax.tree.structure(expected)
        tolerance = 8 * np.finfo(dtype).eps
        for ours, theirs in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
            assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
            np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


def test_a_function_is_traced_once_for_each_kind_of_arguments():
    traces = []
    step = in_numpy(lambda x: traces.append(x) or 2 * x)
    for x in (1.0, 2.0, np.ones(3, np.float32), np.zeros(3, np.float32)):
        step(x)
    assert len(traces) == 2
