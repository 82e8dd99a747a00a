"""The eigenbasis that is decomposed anew, and SPlus's signs in it."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import optax_zoo as zoo
from optax_zoo import exact_eigenbasis

RNG = np.random.default_rng(9)


def drawn(*shape, count=4):
    return [jnp.asarray(RNG.normal(size=shape), jnp.float32) for _ in range(count)]


def run(tx, grads):
    params = jax.tree.map(jnp.zeros_like, grads[0])
    state, found, update = tx.init(params), [], jax.jit(tx.update)
    for g in grads:
        u, state = update(g, state, params)
        found.append(u)
    return found, state


def signs(basis):
    return zoo.pipeline(basis=basis, numerator=zoo.serial(average=zoo.ema(0.5), sign=zoo.scale_by_sign()))


@pytest.mark.parametrize("staggered", [False, True])
def test_signs_in_the_eigenbasis_of_some_steps_before(staggered):
    grads = drawn(3, 4)
    found, state = run(signs(exact_eigenbasis(3, 0.5, staggered=staggered)), grads)
    m, left, right = np.zeros((3, 4)), np.zeros((3, 3)), np.zeros((4, 4))
    q, r = np.eye(3), np.eye(4)
    for t, (g, u) in enumerate(zip(np.asarray(grads, np.float64), found, strict=True), 1):
        m = 0.5 * m + 0.5 * g
        chex.assert_trees_all_close(u, q @ np.sign(q.T @ m @ r) @ r.T, rtol=1e-3, atol=1e-3)
        left, right = 0.5 * left + 0.5 * g @ g.T, 0.5 * right + 0.5 * g.T @ g
        if t in (1, 3):
            q, r = np.linalg.eigh(left)[1], np.linalg.eigh(right)[1]
    chex.assert_trees_all_close(state["basis"].factors, (left, right), rtol=1e-4, atol=1e-4)


def test_leaves_of_one_or_many_axes_and_long_ones_have_no_basis():
    grads = [{"k": k, "b": b, "w": w} for k, b, w in zip(drawn(2, 2, 2), drawn(3), drawn(2, 5), strict=True)]
    found, state = run(signs(exact_eigenbasis(2, 0.5, most_axes=2, max_size=4)), grads)
    plain, _ = run(signs(exact_eigenbasis()).replace(basis=None), grads)
    for name in ("k", "b"):
        chex.assert_trees_all_close([u[name] for u in found], [u[name] for u in plain])
    assert [tree["w"].shape for tree in state["basis"].factors[:2]] == [(2, 2), ()]


def test_layers_have_a_basis_each():
    grads = drawn(2, 3, 3)
    found, _ = run(signs(exact_eigenbasis(2, 0.5, stacked=1)), grads)
    for layer in range(2):
        alone, _ = run(signs(exact_eigenbasis(2, 0.5)), [g[layer] for g in grads])
        chex.assert_trees_all_close([u[layer] for u in found], alone, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", [(0, 3), (1, 3), (3, 1), (3, 3)])
@pytest.mark.parametrize("size", [0.0, 1e-30, 1e30])
def test_no_matrix_leads_to_infinite_steps(size, shape):
    found, _ = run(zoo.splus(every=2), [size * jnp.ones(shape)] * 3)
    assert all(bool(jnp.all(jnp.isfinite(u))) for u in found)


def test_matrices_have_rates_by_their_mean_side():
    tree = {"b": jnp.ones(3), "embedding": jnp.ones((2, 2)), "long": jnp.ones((9, 1)), "w": jnp.ones((2, 4))}
    rule = zoo.matrices(but=("embedding",), most_axes=2)
    found, _ = run(zoo.scale_by_mean_side(0.5, max_size=8, by=rule), [tree])
    assert {name: float(u.ravel()[0]) for name, u in found[0].items()} == pytest.approx(
        {"b": 0.5, "embedding": 0.5, "long": 0.5, "w": 1 / 3}
    )
