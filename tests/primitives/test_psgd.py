"""PSGD's factors, beside their formula in NumPy and what they lead to."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import optax_zoo as zoo
from optax_zoo import fitted_whitening

RNG = np.random.default_rng(7)


def drawn(*shape, count=3):
    return [jnp.asarray(RNG.normal(size=shape), jnp.float32) for _ in range(count)]


def run(tx, grads):
    params = jax.tree.map(jnp.zeros_like, grads[0])
    state, found, update = tx.init(params), [], jax.jit(tx.update)
    for g in grads:
        u, state = update(g, state, params)
        found.append(u)
    return found, state


def shapes(state):
    return [jax.tree.map(jnp.shape, tree) for tree in state.factors]


def test_one_step_of_fitting():
    (g,), (v,) = drawn(3, 2, count=1), drawn(3, 2, count=1)
    tx = fitted_whitening(1.0, rate=0.5, balance=0.0, damping=0.1, noise=lambda key, t, zeros: v)
    (u,), state = run(tx, [g])
    a, b = np.asarray(g + 0.1 * jnp.mean(jnp.abs(g)) * v, np.float64), np.asarray(v, np.float64)

    def fitted(first, second):
        total = first @ first.T + second @ second.T
        x = total[:, np.argmax(np.sum(total**2, axis=0))]
        x = total @ x
        bound = np.linalg.norm(total @ (x / np.linalg.norm(x)))
        return np.eye(len(first)) - 0.5 * np.triu(first @ first.T - second @ second.T) / bound

    left, right = fitted(a, b), fitted(a.T, b.T)
    chex.assert_trees_all_close(state.factors, (left, right), rtol=1e-4, atol=1e-4)
    chex.assert_trees_all_close(u, left.T @ left @ np.asarray(g) @ right.T @ right, rtol=1e-4, atol=1e-4)


def test_gradients_become_white():
    scales = jnp.array([10.0, 1.0, 0.1])
    grads = [scales[:, None] * g for g in drawn(3, 4, count=500)]
    found, _ = run(fitted_whitening(1.0), grads)
    rows = jnp.std(jnp.stack(found[250:]), axis=(0, 2))
    assert jnp.max(rows) / jnp.min(rows) < 2  # of 100


def test_factors_serve_one_over_the_probability_steps():
    grads = drawn(2, 2, count=6)
    tx = fitted_whitening(0.4)
    params, moved = jnp.zeros((2, 2)), []
    state = tx.init(params)
    for g in grads:
        before = state.factors
        _, state = tx.update(g, state)
        moved.append(bool(jnp.any(before[0] != state.factors[0])))
    assert moved == [False, False, True, False, False, True]


def test_which_factors_are_diagonal():
    tree = {"long": jnp.zeros((3, 5)), "square": jnp.zeros((4, 4)), "thin": jnp.zeros((1, 4)), "vector": jnp.zeros(3)}
    tx = fitted_whitening
    assert shapes(tx().init(tree)) == [
        {"long": (3, 3), "square": (4, 4), "thin": (1,), "vector": (3,)},
        {"long": (5, 5), "square": (4, 4), "thin": (4, 4), "vector": ()},
    ]
    longest = shapes(tx(diagonal="longest").init(tree))
    assert (longest[1]["long"], longest[0]["square"], longest[1]["square"]) == ((5,), (4, 4), (4,))
    alone = shapes(tx(diagonal="longest_alone").init(tree))
    assert (alone[1]["long"], alone[1]["square"]) == ((5,), (4, 4))
    assert shapes(tx(diagonal="all").init(tree))[0]["square"] == (4,)
    assert shapes(tx(max_size=3).init(tree))[0]["square"] == (4,)
    assert shapes(tx(min_axes=1).init(tree))[0]["vector"] == (3, 3)


def test_kernels_are_seen_as_matrices_and_layers_have_factors_of_their_own():
    kernel = jnp.zeros((2, 2, 3, 4))
    assert [f.shape for f in fitted_whitening().init(kernel).factors] == [(12, 12), (4, 4)]
    assert [f.shape for f in fitted_whitening(merge=False).init(kernel).factors] == [(2, 2), (2, 2), (3, 3), (4, 4)]
    assert [f.shape for f in fitted_whitening(stacked=1).init(kernel).factors] == [(2, 6, 6), (2, 4, 4)]
    layers = drawn(2, 3, 2)
    probes = drawn(2, 3, 2)
    given = dict(probability=1.0, balance=0.0)
    found, _ = run(fitted_whitening(noise=lambda key, t, zeros: jnp.stack(probes)[t - 1], stacked=1, **given), layers)
    for layer in range(2):
        own = [probe[layer] for probe in probes]
        alone, _ = run(
            fitted_whitening(noise=lambda key, t, zeros, own=own: jnp.stack(own)[t - 1], **given),
            [g[layer] for g in layers],
        )
        chex.assert_trees_all_close([u[layer] for u in found], alone, rtol=1e-4, atol=1e-4)


def test_balancing_leaves_the_product_as_it_is():
    (g,) = drawn(3, 2, count=1)
    tx = fitted_whitening(1.0, rate=0.0, balance=1.0)
    state = tx.init(g)
    uneven = state._replace(factors=(8 * state.factors[0], state.factors[1] / 2))
    u, after = tx.update(g, uneven)
    chex.assert_trees_all_close(u, 16 * g, rtol=1e-4)
    chex.assert_trees_all_close(after.factors, (2 * jnp.eye(3), 2 * jnp.eye(2)), rtol=1e-5)


@pytest.mark.parametrize(
    "shape", [(3, 3), *(pytest.param(each, marks=pytest.mark.slow) for each in [(0, 3), (1, 3), (3, 1), (3,), ()])]
)
@pytest.mark.parametrize("size", [0.0, 1e-30, 1e30])
def test_no_gradient_leads_to_infinite_steps(size, shape):
    """Nor one that is 0 for so long that factors would overflow."""
    tx = fitted_whitening(1.0, merge=False)
    g = size * jnp.ones(shape)
    state = tx.init(g)

    def step(state, g):
        u, state = tx.update(g, state)
        return state, jnp.all(jnp.isfinite(u))

    state, finite = jax.lax.scan(step, state, jnp.broadcast_to(g, (1200, *shape)))
    assert bool(jnp.all(finite))
    _, state_after = tx.update(jnp.ones(shape), state)
    assert all(bool(jnp.all(jnp.isfinite(f))) for f in state_after.factors)


def test_factors_of_the_gradient_need_it():
    g = jnp.ones((2, 2))
    tx = fitted_whitening(of_gradient=True)
    with pytest.raises(TypeError, match="needs the gradient"):
        tx.update(g, tx.init(g))
    row = zoo.psgd_kron(of_momentum=False)
    row.update(g, row.init(g), g)
