"""SWATS's switch, beside its formula in NumPy."""

import jax.numpy as jnp
import numpy as np
import pytest

import optax_zoo as zoo
from optax_zoo import switched_to_sgd

GRADS = [{"a": jnp.array([1.0, -2.0]) * n, "b": jnp.float32(0.5 * n)} for n in (1, 2, 1, 3, 1)]
START = {"a": jnp.array([0.5, 1.0]), "b": jnp.float32(0.0)}


def flat(tree):
    return np.concatenate([np.ravel(tree["a"]), np.ravel(tree["b"])]).astype(np.float64)


def run(tx):
    state, found = tx.init(START), []
    for g in GRADS:
        updates, state = tx.update(g, state, START)
        found.append(flat(updates))
    return found, state


def test_gradient_descent_takes_the_place_of_steps_at_the_rate_that_they_amount_to():
    tx = zoo.pipeline(
        rescale=zoo.scale_by_sign(), learning_rate=0.1, velocity=switched_to_sgd(0.5, 0.75, atol=0.0, rtol=0.3)
    )
    found, state = run(tx)
    average, rate, momentum = 0.0, None, 0.0
    for t, (grad, update) in enumerate(zip(GRADS, found, strict=True), 1):
        g = flat(grad)
        u = -0.1 * np.sign(g)
        if rate is not None:
            momentum = 0.5 * momentum + g
            u = -0.5 * rate * momentum
        np.testing.assert_allclose(update, u, rtol=1e-5)
        now = u @ u / -(u @ g)
        average = 0.75 * average + 0.25 * now
        corrected = average / (1 - 0.75**t)
        if rate is None and t > 1 and abs(corrected - now) <= 0.3 * now:
            rate = corrected
    assert rate is not None
    np.testing.assert_allclose(state["velocity"].share * 0.1, rate, rtol=1e-5)


def test_steps_that_are_gradient_descent_switch_at_the_second():
    _, state = run(zoo.pipeline(learning_rate=0.1, velocity=switched_to_sgd(atol=1e-6)))
    np.testing.assert_allclose(state["velocity"].share, 1.0, rtol=1e-5)
    _, state = run(zoo.swats(0.1))
    assert state["velocity"].share == 0


def test_it_needs_the_rate_and_is_checked():
    part = switched_to_sgd()
    with pytest.raises(TypeError, match="switched_to_sgd needs the learning rate"):
        part.update(GRADS[0], part.init(START), gradient=GRADS[0])
    with pytest.raises(ValueError, match="rtol is -1"):
        switched_to_sgd(rtol=-1)
    assert repr(switched_to_sgd(rtol=0.1)) == "switched_to_sgd(rtol=0.1)"
