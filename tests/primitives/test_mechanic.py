"""Mechanic and coin betting: their formulas, and what is refused."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import optax_zoo as zoo
from optax_zoo import coin_betting, mechanic_steps

PARAMS = {"w": jnp.array([[1.0, -2.0], [0.5, 1.5]]), "b": jnp.array([3.0, -1.0])}
RNG = np.random.default_rng(6)
GRADS = [jax.tree.map(lambda p: jnp.asarray(RNG.normal(size=p.shape), "float32"), PARAMS) for _ in range(6)]


def steps(tx, grads=GRADS):
    """State and parameters after each step."""
    params = PARAMS
    state, found = tx.init(params), []
    for g in grads:
        updates, state = tx.update(g, state, params)
        params = optax.apply_updates(params, updates)
        found.append((state, params))
    return found


def flat(tree):
    return np.concatenate([np.ravel(np.asarray(x, "float64")) for x in jax.tree.leaves(tree)])


def test_mechanic_follows_its_formulas():
    betas, start = np.array([0.9, 0.99, 0.999]), flat(PARAMS)
    tx = zoo.sgd(0.5).replace(iterate=mechanic_steps(0.1, eps=1e-3, s_init=1e-2, betas=(0.9, 0.99, 0.999)))
    s, (r, m, v), p = np.full(3, 1e-2), np.zeros((3, 3)), start
    for g, (state, after) in zip(map(flat, GRADS), steps(tx), strict=True):
        total = s.sum()
        delta = (start - p) / (total + 1e-3)
        pull = 0.1 * total * np.linalg.norm(g) / (np.linalg.norm(p) + 1e-3)
        h = (g + pull * p) @ delta
        r = betas * r + np.clip(h, -m, m) * s
        m, v = np.maximum(betas * m, abs(h) + 1e-3), betas**2 * v + h**2
        s = (m * 1e-2 / 3 + np.maximum(r, 0)) / (np.sqrt(v) + 1e-3)
        p = start - s.sum() * (delta + 0.5 * g)
        np.testing.assert_allclose(flat(after), p, rtol=1e-4)
        np.testing.assert_allclose(state["iterate"].scales, s, rtol=1e-3)


def test_mechanic_is_given_the_gradient_that_came_in():
    """An inner row that changes the gradient first is one slot of the row around it."""
    inner = zoo.sgd(1.0, weight_decay=0.1)
    assert list(zoo.mechanize(inner).slots) == ["learning_rate", "iterate"]
    foreign = optax.chain(optax.add_decayed_weights(0.1), optax.sgd(1.0))
    for (_, ours), (_, theirs) in zip(
        steps(zoo.mechanize(inner, s_init=0.1)), steps(zoo.mechanize(foreign, s_init=0.1)), strict=True
    ):
        chex.assert_trees_all_close(ours, theirs, rtol=1e-5)
    with pytest.raises(ValueError, match="the inner optimizer brings its own"):
        zoo.mechanize(inner, learning_rate=1.0)
    with pytest.raises(TypeError, match="mechanic_steps needs the gradient"):
        tx = mechanic_steps()
        tx.update(PARAMS, tx.init(PARAMS), PARAMS)


def test_mechanic_finds_the_rate_of_a_row():
    tx = zoo.mechanize(zoo.sgd(optax.cosine_decay_schedule(1.0, 1000)), s_init=1e-4)

    def body(carry, _):
        params, state = carry
        updates, state = tx.update(params, state, params)
        return (optax.apply_updates(params, updates), state), None

    params, _ = jax.lax.scan(body, (PARAMS, tx.init(PARAMS)), length=1000)[0]
    assert np.linalg.norm(flat(params)) < 0.05 * np.linalg.norm(flat(PARAMS))


def test_coin_betting_follows_its_formulas():
    start = flat(PARAMS)
    tx = zoo.pipeline(learning_rate=coin_betting(lambda count: 1 / (1 + count), alpha=2.0, eps=1e-2))
    total, size, reward, largest, p = *(np.zeros_like(start) for _ in range(3)), np.full_like(start, 1e-2), start
    for count, (g, (_, after)) in enumerate(zip(map(flat, GRADS), steps(tx), strict=True)):
        g = g / (1 + count)
        largest, size = np.maximum(largest, abs(g)), size + abs(g)
        reward, total = np.maximum(reward - g * (p - start), 0), total + g
        p = start - total / (largest * np.maximum(size + largest, 2 * largest)) * (largest + reward)
        np.testing.assert_allclose(flat(after), p, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: mechanic_steps(-1.0), r"weight_decay is -1\.0, but must be at least 0"),
        (lambda: mechanic_steps(s_init=0.0), r"s_init is 0\.0, but must be above 0"),
        (lambda: mechanic_steps(betas=(0.9, 1.0)), r"betas is 1\.0, but must be at least 0 and below 1"),
        (lambda: coin_betting(alpha=-1.0), r"alpha is -1\.0, but must be at least 0"),
        (lambda: coin_betting(eps=0.0), r"eps is 0\.0, but must be above 0"),
    ],
)
def test_numbers_outside_their_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
