"""Equal matrices through one call: what is made of each is its own, whatever is beside it."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from optax_zoo.primitives.batched import batched


def arrays(*shapes):
    rng = np.random.default_rng(0)
    return [jnp.asarray(rng.normal(size=shape), "float32") for shape in shapes]


@pytest.mark.parametrize("most", [None, 1, 24, 30])
def test_each_leaf_gets_its_own_results(most):
    leaves = arrays((3, 4), (2, 3), (3, 4), (2, 3, 4), (5, 1, 3, 4), (0, 3, 4), (0, 4))
    calls = []

    def both(x, y):
        calls.append(x.shape)
        return {"product": x @ y.mT, "sum": jnp.sum(x)}

    found = batched(both, leaves, [2 * x for x in leaves], most=most)
    assert sorted(set(calls)) == [(0, 4), (2, 3), (3, 4)]
    for x, result in zip(leaves, found, strict=True):
        np.testing.assert_allclose(result["product"], 2 * x @ x.mT, rtol=1e-5)
        np.testing.assert_allclose(result["sum"], x.sum((-2, -1)), rtol=1e-5, atol=1e-6)


def test_equal_matrices_share_calls():
    leaves = arrays(*[(4, 4)] * 6, (2, 4, 4))

    def decompose(x):
        return jnp.linalg.svd(x)

    for most, calls in ((None, 1), (32, 4), (1, 7)):
        text = jax.jit(lambda xs, most=most: batched(decompose, xs, most=most)).lower(leaves).as_text()
        assert len(re.findall(r"call @decompose", text)) == calls


def test_other_dtypes_are_other_calls():
    (x,) = arrays((3, 3))
    low, wide = batched(lambda x: x @ x, [x.astype(jnp.bfloat16), x])
    assert low.dtype == jnp.bfloat16 and wide.dtype == jnp.float32


def test_of_no_leaves_there_are_no_results():
    assert batched(jnp.linalg.qr, []) == []
