"""Momentum of which the leading directions are taken out, and what is orthonormal for it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import optax_zoo as zoo
from optax_zoo.primitives.orthonormal import FACTORIZATIONS

EXACT = {"factorization": "qr"}


def drawn(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), "float32")


def after(part, *gradients):
    """The step and the state after these gradients of one leaf."""
    state = part.init(gradients[0])
    for g in gradients:
        u, state = part.update(g, state)
    return np.asarray(u), state


@pytest.mark.parametrize("name", FACTORIZATIONS)
@pytest.mark.parametrize("dtype", ["float32", "complex64"])
def test_columns_become_orthonormal_and_span_the_same(name, dtype):
    p = drawn(9, 4) if dtype == "float32" else drawn(9, 4) + 1j * drawn(9, 4, seed=1)
    p = p * jnp.array([1e3, 1.0, 1e-3, 1e-6])
    q = FACTORIZATIONS[name](p)
    np.testing.assert_allclose(q.mT.conj() @ q, np.eye(4), atol=1e-5)
    np.testing.assert_allclose(q @ (q.mT.conj() @ p), p, rtol=1e-3, atol=1e-2)


def test_of_alike_columns_cholesky_keeps_what_they_have():
    p = jnp.outer(drawn(9), jnp.ones(4)) + 1e-4 * drawn(9, 4)
    q = FACTORIZATIONS["cholesky"](p)
    np.testing.assert_allclose(q.mT @ q, np.eye(4), atol=1e-3)
    rank_one = np.linalg.svd(FACTORIZATIONS["cholesky"](jnp.outer(drawn(9), drawn(4, seed=1))), compute_uv=False)
    assert rank_one[0] == pytest.approx(1, abs=1e-3) and np.all(np.isfinite(rank_one))


def test_a_step_is_the_formula():
    g, part = drawn(5, 3), zoo.low_rank_momentum(0.9, rank=2, eps=0.0, **EXACT)
    q = np.asarray(part.init(g).right, np.float64).T  # P is on the longer side, the inputs
    u, state = after(part, g)
    p = np.linalg.qr(np.asarray(g, np.float64) @ q)[0]
    r = np.asarray(g).T @ p
    np.testing.assert_allclose(u, p @ (r / np.linalg.norm(r, axis=0)).T, atol=1e-5)
    np.testing.assert_allclose(state.momentum, g - 0.1 * p @ r.T, atol=1e-5)
    np.testing.assert_allclose(state.right.T, r / np.linalg.norm(r, axis=0), atol=1e-5)


@pytest.mark.parametrize(
    "arguments, of_right",
    [
        ({}, (3, 3)),
        ({"rank": 2}, (2, 3)),
        ({"rank": 9}, (3, 3)),
        ({"rank_fraction": 0.5}, (2, 3)),
        ({"rank_fraction": 0.1, "rank_multiple_of": 2}, (2, 3)),
        ({"rank": 2, "side": "outputs"}, (5, 2)),
        ({"rank": 2, "outputs": "first"}, (2, 3)),
    ],
)
def test_the_rank_and_the_sides(arguments, of_right):
    assert zoo.low_rank_momentum(**arguments).init(drawn(5, 3)).right.shape == of_right


def test_of_full_rank_the_steps_come_to_be_orthogonal():
    g = drawn(6, 4)
    u, _ = after(zoo.low_rank_momentum(), *[g] * 60)
    np.testing.assert_allclose(np.linalg.svd(u, compute_uv=False), 1, atol=1e-2)
    left, _, right = np.linalg.svd(g, full_matrices=False)
    np.testing.assert_allclose(u, left @ right, atol=1e-2)


@pytest.mark.slow
def test_more_iterations_come_nearer_to_the_leading_direction():
    g = drawn(8, 8)
    left, _, right = np.linalg.svd(g)
    leading = np.outer(left[:, 0], right[0])
    once, often = (after(zoo.low_rank_momentum(rank=1, iterations=n), g)[0] for n in (1, 30))
    assert np.abs(often - leading).max() < 1e-3 < np.abs(once - leading).max()


def test_kernels_and_stacked_layers_are_matrices_of_their_own():
    g = drawn(2, 3, 4)
    u, _ = after(zoo.low_rank_momentum(rank=2), g)
    np.testing.assert_allclose(u.reshape(6, 4), after(zoo.low_rank_momentum(rank=2), g.reshape(6, 4))[0], atol=1e-5)
    u, _ = after(zoo.low_rank_momentum(rank=2, outputs="first"), g)
    assert np.linalg.matrix_rank(u.reshape(2, 12)) == 2
    u, state = after(zoo.low_rank_momentum(rank=2, stacked=1), g, g)
    assert state.right.shape == (2, 3, 2)
    for layer in range(2):
        np.testing.assert_allclose(u[layer], after(zoo.low_rank_momentum(rank=2), g[layer], g[layer])[0], atol=1e-5)


@pytest.mark.parametrize("name", FACTORIZATIONS)
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (1, 4), (4, 1), (5, 3)])
def test_bad_matrices_give_finite_steps(name, shape):
    part = zoo.low_rank_momentum(factorization=name)
    zero, g = jnp.zeros(shape), drawn(*shape)
    for gradients in [(zero, zero), (1e30 * g,), (1e-30 * g,), (zero, g), (jnp.ones(shape), jnp.ones(shape))]:
        u, state = after(part, *gradients)
        assert np.all(np.isfinite(u)) and all(map(jnp.all, map(jnp.isfinite, jax.tree.leaves(state))))
    u, state = after(part, zero)
    assert not u.any() and jnp.array_equal(state.right, part.init(zero).right)  # with B 0 it stays
    np.testing.assert_allclose(after(part, zero, g)[0], after(part, g)[0])


def test_averages_of_gradients_that_devices_have_of_their_own():
    parts = [zoo.low_rank_momentum(rank=2, average_over=name) for name in (None, "data")]
    gradients = [drawn(4, 5, 3, seed=seed) for seed in range(3)]
    expected, _ = after(parts[0], *[g.mean(0) for g in gradients])
    of_devices = jax.pmap(parts[1].update, "data", devices=jax.devices()[:4])
    state = jax.tree.map(lambda x: jnp.stack([x] * 4), parts[1].init(gradients[0][0]))
    for g in gradients:
        u, state = of_devices(g, state)
    for one in u:
        np.testing.assert_allclose(one, expected, atol=1e-4)


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        ({"decay": 1.0}, "decay is 1.0, but must be at least 0 and below 1"),
        ({"rank": 0}, "rank is 0, but must be a whole number at least 1"),
        ({"rank_fraction": 0.0}, "rank_fraction is 0.0, but must be above 0 and at most 1"),
        ({"factorization": "cqr"}, "factorization is 'cqr', but must be one of 'qr', 'cholesky', 'sketched'"),
        ({"side": "shorter"}, "side is 'shorter', but must be one of 'outputs', 'inputs', 'longer'"),
    ],
)
def test_bad_numbers_are_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        zoo.low_rank_momentum(**arguments)


def test_vectors_are_refused_with_their_path():
    part = zoo.low_rank_momentum()
    with pytest.raises(ValueError, match=r"needs matrices, but the leaf \['bias'\] has the shape \(3,\)"):
        part.init({"kernel": drawn(3, 3), "bias": drawn(3)})
