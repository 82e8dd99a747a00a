"""Polyak's rate: its formulas, with averages and decay, the bound that is estimated, any row at its rate."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import optax_zoo as zoo
from optax_zoo import polyak_rate

PARAMS = {"w": jnp.array([[1.0, -2.0], [0.5, 1.5]]), "b": jnp.array([3.0, -1.0])}
RNG = np.random.default_rng(4)
GRADS = [jax.tree.map(lambda p: jnp.asarray(RNG.normal(size=p.shape), "float32"), PARAMS) for _ in range(5)]
LOSSES = [3.0, 0.5, 0.2, 0.6, 0.4]


def steps(tx, losses=LOSSES):
    """State and parameters after each step."""
    params = PARAMS
    state, found = tx.init(params), []
    for g, loss in zip(GRADS, losses, strict=True):
        updates, state = tx.update(g, state, params, value=jnp.float32(loss))
        params = optax.apply_updates(params, updates)
        found.append((state, params))
    return found


def inner(a, b):
    return sum(float(np.sum(np.asarray(a[leaf], "float64") * np.asarray(b[leaf]))) for leaf in a)


@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("learning_rate", [0.05, None])
def test_without_averages_it_is_the_gap_over_the_squared_norm(learning_rate, negative):
    params, rate = PARAMS, polyak_rate(learning_rate, loss_min=0.3, eps=0.1, negative=negative)
    for g, loss, (_, after) in zip(GRADS, LOSSES, steps(zoo.sgd().replace(learning_rate=rate)), strict=True):
        gap = loss - 0.3 if negative else max(loss - 0.3, 0)
        tau = min(np.inf if learning_rate is None else learning_rate, gap / (inner(g, g) + 0.1))
        params = jax.tree.map(lambda p, g, tau=tau: p - tau * g, params, g)
        chex.assert_trees_all_close(after, params, rtol=1e-5)


@pytest.mark.parametrize("seeded", ["first_step", None])
def test_with_averages_it_is_where_the_average_tangent_meets_the_bound(seeded):
    alpha, beta, coefficient, bound = 0.5, 0.8, 0.1, -0.5
    tx = zoo.momo(
        alpha, beta, loss_min=bound, adapt_loss_min=True, bias_correction=seeded is None, weight_decay=coefficient
    )
    params, lower, m, f, product, weight = PARAMS, bound, jax.tree.map(np.zeros_like, PARAMS), 0.0, 0.0, 0.0
    for g, loss, (state, after) in zip(GRADS, LOSSES, steps(tx), strict=True):
        b = 0.0 if weight == 0 and seeded else beta
        m = jax.tree.map(lambda m, g, b=b: b * m + (1 - b) * g, m, g)
        f, product, weight = b * f + (1 - b) * loss, b * product + (1 - b) * inner(g, params), b * weight + 1 - b
        n = jax.tree.map(lambda m, weight=weight: m / weight, m)
        k, ahead, slope = 1 + alpha * coefficient, inner(n, params), inner(n, n)
        height = k * (f - product) / weight + ahead
        if height < k * lower:
            lower = max(height / (2 * k), bound)
        tau = min(alpha, max(height - k * lower, 0) / slope)
        lower = max((f - product) / weight + ahead - tau * slope / 2, bound)
        params = jax.tree.map(lambda p, n, tau=tau, k=k: (p - tau * n) / k, params, n)
        chex.assert_trees_all_close(after, params, rtol=1e-4)
        assert state["learning_rate"].loss_min == pytest.approx(lower, rel=1e-4, abs=1e-5)


def test_any_row_finds_its_rate():
    """On a parabola whose least loss is known, however large the largest rate is."""
    tx = zoo.adamw(weight_decay=0.0).replace(learning_rate=polyak_rate(1.0, 0.9))
    assert tx.needs == ("params", "value")

    def body(carry, _):
        params, state = carry
        value, g = jax.value_and_grad(lambda p: sum(jnp.sum(x**2) for x in p.values()))(params)
        updates, state = tx.update(g, state, params, value=value)
        return (optax.apply_updates(params, updates), state), value

    _, losses = jax.lax.scan(body, (PARAMS, tx.init(PARAMS)), length=300)
    assert losses[-1] < 1e-4 * losses[0]


def test_the_decay_follows_the_largest_rate_or_without_one_the_rate():
    for largest in (0.05, None):
        tx = zoo.sgd().replace(learning_rate=polyak_rate(largest), decay=zoo.decoupled_decay(0.5))
        _, decayed = steps(tx)[0]
        _, plain = steps(tx.replace(decay=None))[0]
        rate = LOSSES[0] / inner(GRADS[0], GRADS[0]) if largest is None else largest
        chex.assert_trees_all_close(
            decayed, jax.tree.map(lambda p, q, rate=rate: q - 0.5 * rate * p, PARAMS, plain), rtol=1e-4
        )


def test_of_the_gradient_it_does_not_see_what_slots_make_of_it():
    rate = polyak_rate(None, of_gradient=True)
    signs = zoo.sgd().replace(rescale=zoo.scale_by_sign(), learning_rate=rate)
    _, params = steps(signs)[0]
    tau = LOSSES[0] / inner(GRADS[0], GRADS[0])
    chex.assert_trees_all_close(params, jax.tree.map(lambda p, g: p - tau * jnp.sign(g), PARAMS, GRADS[0]), rtol=1e-5)
    _, params = steps(signs.replace(learning_rate=polyak_rate(None)))[0]
    tau = LOSSES[0] / inner(GRADS[0], jax.tree.map(jnp.sign, GRADS[0]))
    chex.assert_trees_all_close(params, jax.tree.map(lambda p, g: p - tau * jnp.sign(g), PARAMS, GRADS[0]), rtol=1e-5)


def test_alone_in_a_chain_it_needs_the_loss_too():
    (_, found), *_ = steps(optax.chain(polyak_rate(0.05)))
    (_, expected), *_ = steps(zoo.polyak_sgd(0.05))
    chex.assert_trees_all_close(found, expected, rtol=1e-6)


def test_what_it_cannot_do_is_refused():
    tx = zoo.polyak_sgd()
    with pytest.raises(TypeError, match="polyak_rate needs the loss"):
        tx.update(GRADS[0], tx.init(PARAMS), PARAMS)
    with pytest.raises(ValueError, match=r"value has the shape \(2,\), but must be the loss, a scalar"):
        tx.update(GRADS[0], tx.init(PARAMS), PARAMS, value=jnp.ones(2))
    with pytest.raises(ValueError, match=r"decay is 1\.0, but must be at least 0 and below 1"):
        polyak_rate(decay=1.0)
    with pytest.raises(ValueError, match=r"loss_min is inf, but must be finite"):
        polyak_rate(loss_min=float("inf"))
