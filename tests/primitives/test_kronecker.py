"""Shampoo's roots, the blocks they are found in, and the steps they are grafted to, beside their formulas in NumPy."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import optax_zoo as zoo
from optax_zoo import blocked, coupled_newton, eigh_root, graft, kronecker_roots

RNG = np.random.default_rng(5)


def drawn(*shape, count=3):
    return [jnp.asarray(RNG.normal(size=shape), jnp.float32) for _ in range(count)]


def steps(tx, grads):
    """The updates, and the state after them."""
    params = jax.tree.map(jnp.zeros_like, grads[0])
    state, found, update = tx.init(params), [], jax.jit(tx.update)
    for g in grads:
        u, state = update(g, state, params)
        found.append(u)
    return found, state


def same(found, expected, tolerance=1e-4):
    chex.assert_trees_all_close(found, expected, rtol=tolerance, atol=tolerance)


def inverse_root(matrix, order):
    values, vectors = np.linalg.eigh(np.asarray(matrix, np.float64))
    return vectors @ np.diag(values ** (-1 / order)) @ vectors.T


def test_gradients_are_multiplied_by_roots_of_summed_covariances():
    grads = drawn(3, 2)
    found, state = steps(kronecker_roots(eps=0.1), grads)
    left, right = 0.1 * np.eye(3), 0.1 * np.eye(2)
    for g, u in zip(grads, found, strict=True):
        left, right = left + g @ g.T, right + g.T @ g
        same(u, inverse_root(left, 4) @ g @ inverse_root(right, 4))
    same(state.factors, (left, right))


def test_averages_orders_sides_and_vectors():
    grads = [{"a": a, "b": b} for a, b in zip(drawn(2, 3, 2), drawn(3), strict=True)]
    found, _ = steps(kronecker_roots(decay=0.5, eps=0.1, sides="last", root=3), grads)
    last, of_vector = 0.1 * np.eye(2), 0.1 * np.eye(3)
    for g, u in zip(grads, found, strict=True):
        last = 0.5 * last + 0.5 * np.einsum("ija,ijb->ab", g["a"], g["a"])
        of_vector = 0.5 * of_vector + 0.5 * np.outer(g["b"], g["b"])
        same(u, {"a": g["a"] @ inverse_root(last, 3), "b": inverse_root(of_vector, 3) @ g["b"]})
    found, _ = steps(kronecker_roots(eps=0.1, of_vectors=False, max_size=2), grads[:1])
    half = inverse_root(0.1 * np.eye(2) + np.einsum("iaj,ibj->ab", *[np.swapaxes(grads[0]["a"], 0, 1)] * 2), 4)
    expected = np.einsum("xa,ajb->xjb", half, grads[0]["a"])
    right = inverse_root(0.1 * np.eye(2) + np.einsum("ija,ijb->ab", grads[0]["a"], grads[0]["a"]), 4)
    same(found[0], {"a": expected @ right, "b": grads[0]["b"]})


def test_roots_serve_some_steps_and_covariances_stay():
    grads = drawn(2, 2, count=5)
    _, after_one = steps(kronecker_roots(2, eps=0.1), grads[:1])
    _, after_two = steps(kronecker_roots(2, eps=0.1), grads[:2])
    _, after_three = steps(kronecker_roots(2, eps=0.1), grads[:3])
    same(after_one.roots, after_two.roots, 0)
    same(after_three.roots[0], inverse_root(after_three.factors[0], 4))
    later = kronecker_roots(3, eps=0.1, statistics_every=2, identity_first=True)
    found, state = steps(later, grads[:2])
    same(found, grads[:2], 0)
    same(state.factors[0], 0.1 * jnp.eye(2) + grads[1] @ grads[1].T)
    _, state = steps(later, grads[:3])
    same(state.roots[0], inverse_root(state.factors[0], 4))


def test_staggered_roots_are_all_there_after_a_period():
    grads = [{"a": a, "b": b} for a, b in zip(drawn(2, 2, count=5), drawn(2, 2, count=5), strict=True)]
    _, state = steps(kronecker_roots(4, eps=0.1, staggered=True), grads[:1])
    same(state.roots[0], jax.tree.map(lambda f: inverse_root(f, 4), state.factors[0]))
    _, after = steps(kronecker_roots(4, eps=0.1, staggered=True), grads[:4])
    for before, now in zip(jax.tree.leaves(state.roots)[1:], jax.tree.leaves(after.roots)[1:], strict=True):
        assert jnp.max(jnp.abs(before - now)) > 1e-3


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_coupled_newton_finds_the_roots_that_eigenvalues_give(order):
    (g,) = drawn(4, 4, count=1)
    matrix = g @ g.T + 0.1 * jnp.eye(4)
    exact = inverse_root(matrix, order)
    same(eigh_root(matrix, order), exact, 1e-3)
    same(coupled_newton(ridge=0.0, tolerance=1e-5)(matrix, order), exact, 1e-3)
    same(coupled_newton(ridge=0.0)(matrix[:1, :1], order), inverse_root(matrix[:1, :1], order))
    with pytest.raises(ValueError, match=r"root is 2\.5, but must be a whole number"):
        coupled_newton()(matrix, 2.5)


@pytest.mark.parametrize("inverse_root", [eigh_root, coupled_newton()])
@pytest.mark.parametrize("size", [0.0, 1e-30, 1e30])
@pytest.mark.parametrize(
    "shape", [(3, 3), *(pytest.param(each, marks=pytest.mark.slow) for each in [(0, 3), (1, 3), (3, 1)])]
)
def test_no_matrix_leads_to_infinite_steps(inverse_root, size, shape):
    """Also without epsilon, and where its rank is one."""
    g = size * jnp.ones(shape)
    for tx in (kronecker_roots(eps=0.0, inverse_root=inverse_root), kronecker_roots(inverse_root=inverse_root)):
        found, _ = steps(tx, [g, jnp.zeros(shape), g])
        assert all(bool(jnp.all(jnp.isfinite(u))) for u in found)


def test_blocks_have_factors_of_their_own():
    grads = drawn(5, 3)
    tx = blocked(kronecker_roots(eps=0.1, stacked=1), 2)
    found, state = steps(tx, grads)
    for rows in (slice(0, 2), slice(2, 4), slice(4, 5)):
        for columns in (slice(0, 2), slice(2, 3)):
            alone, _ = steps(kronecker_roots(eps=0.1), [g[rows, columns] for g in grads])
            same([u[rows, columns] for u in found], alone)
    assert [f.shape for f in state.factors[0]] == [(2, 2, 2), (2, 2, 2), (1, 1, 1), (1, 1, 1)]


def test_blocks_of_stacked_and_merged_axes():
    grads = drawn(2, 3, 2, 2)
    tx = blocked(kronecker_roots(eps=0.1, stacked=1), 4, merge=True, stacked=1)
    found, _ = steps(tx, grads)
    for layer in range(2):
        alone, _ = steps(kronecker_roots(eps=0.1), [g[layer].reshape(3, 4) for g in grads])
        same([u[layer] for u in found], [u.reshape(3, 2, 2) for u in alone])


def test_what_acts_on_elements_is_the_same_in_blocks():
    grads = [{"a": a, "b": b, "c": c} for a, b, c in zip(drawn(5, 4, 3), drawn(7), drawn(), strict=True)]
    params = jax.tree.map(jnp.ones_like, grads[0])
    part = zoo.serial(decay=zoo.coupled_decay(0.1), average=zoo.ema(0.5))
    inside, outside = blocked(part, 3), part
    states = inside.init(params), outside.init(params)
    for g in grads:
        u, own = inside.update(g, states[0], params)
        expected, other = outside.update(g, states[1], params)
        same(u, expected, 0)
        states = own, other


def test_grafted_steps_have_the_norms_of_another():
    grads = drawn(3, 2)
    plain, _ = steps(kronecker_roots(eps=0.1), grads)
    found, state = steps(graft(kronecker_roots(eps=0.1), zoo.scale_by_sign()), grads)
    same(found, [u * jnp.sqrt(6) / jnp.linalg.norm(u) for u in plain])
    assert state._fields == ("magnitude", "direction")
    unscaled, _ = steps(graft(kronecker_roots(eps=0.1), zoo.scale_by_sign(), norm=None), grads)
    same(unscaled, plain)
    still, _ = steps(graft(kronecker_roots()), [jnp.zeros((2, 2))])
    same(still, [jnp.zeros((2, 2))], 0)


def test_until_a_step_the_magnitude_goes_alone_and_both_have_a_momentum():
    grads = drawn(3, 2)
    tx = graft(optax.identity(), zoo.scale_by_sign(), start=2, then=zoo.trace(0.5))
    found, _ = steps(tx, grads)
    signs = [jnp.sign(g) for g in grads]
    grafted = [g * jnp.sqrt(6) / jnp.linalg.norm(g) for g in grads]
    same(found[:2], [signs[0], 0.5 * signs[0] + signs[1]])
    same(found[2], 0.25 * grafted[0] + 0.5 * grafted[1] + grafted[2])
