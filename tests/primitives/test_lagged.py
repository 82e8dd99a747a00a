"""Estimates of the step before, clips of what is divided by them, roots that end otherwise (ADOPT, Padam)."""

import jax.numpy as jnp
import numpy as np
import pytest

import optax_zoo as zoo
from optax_zoo import clip_by_value, debiased, ema, lagged, root, square

GRADS = [jnp.array(x) for x in ([1.0, -2.0], [3.0, 0.5], [-1.0, 4.0])]


def outputs(tx, grads=GRADS):
    state, found = tx.init(grads[0]), []
    for g in grads:
        updates, state = tx.update(g, state)
        found.append(np.asarray(updates))
    return found


def test_a_lagged_estimate_is_that_of_the_step_before_and_infinite_at_first():
    plain = outputs(ema(0.9, of=square, seeded="first_step"))
    np.testing.assert_array_equal(outputs(lagged(ema(0.9, of=square, seeded="first_step"))), [[np.inf] * 2, *plain[:2]])
    corrected = outputs(debiased(ema(0.9)))
    np.testing.assert_allclose(outputs(debiased(lagged(ema(0.9)))), [[np.inf] * 2, *corrected[:2]], rtol=1e-6)
    np.testing.assert_array_equal(outputs(lagged(zoo.total()))[1], GRADS[0])
    assert lagged(ema(0.9)).rule.by_leaf
    with pytest.raises(TypeError, match=r"estimator is debiased\(ema\(0.9\)\), but must be an ema, a trace or a total"):
        lagged(debiased(ema(0.9))).init(GRADS[0])


def test_a_quotient_by_it_does_not_know_its_own_gradient():
    tx = zoo.adopt(1.0, b1=0.0, clip=None)
    for last in (3.0, 300.0):
        *_, update = outputs(tx, [jnp.array([2.0]), jnp.array([last])])
        np.testing.assert_allclose(update, [-last / 2], rtol=1e-6)


def test_elements_are_clipped_to_a_number_or_a_schedule():
    np.testing.assert_array_equal(outputs(clip_by_value(1.5)), [[1, -1.5], [1.5, 0.5], [-1, 1.5]])
    np.testing.assert_array_equal(outputs(clip_by_value(zoo.power_growth(1.0, offset=-1))), [[0, 0], [1, 0.5], [-1, 2]])
    update, _ = clip_by_value(1.0).update(jnp.array([3 - 4j]), clip_by_value(1.0).init(jnp.array([3 - 4j])))
    np.testing.assert_array_equal(update, [1 - 1j])
    assert repr(clip_by_value(zoo.power_growth(0.25))) == "clip_by_value(power_growth(0.25))"
    with pytest.raises(ValueError, match="limit is -1, but must be at least 0"):
        clip_by_value(-1)


def test_a_root_has_a_floor_and_a_power():
    squares = [[1.0, 4.0], [9.0, 0.25], [1.0, 16.0]]
    of_this = ema(0.0, of=square)
    np.testing.assert_allclose(outputs(root(of_this, eps=0, floor=1.5)), np.maximum(np.sqrt(squares), 1.5))
    np.testing.assert_allclose(outputs(root(of_this, eps=1.0, power=0.5)), np.sqrt(np.sqrt(squares) + 1), rtol=1e-6)
    power = outputs(debiased(root(ema(0.9, of=square), eps=0, power=0.5)))[0]
    np.testing.assert_allclose(power, np.sqrt([1.0, 2.0]), rtol=1e-6)
    with pytest.raises(ValueError, match="power is 0, but must be above 0"):
        root(of_this, power=0)


def test_the_softplus_of_a_root_is_never_near_0():
    found = outputs(root(zoo.total(), eps=0, softplus=2.0), [jnp.array([0.0, 1.0, 100.0])])
    np.testing.assert_allclose(found, [[np.log(2) / 2, np.log1p(np.exp(2.0)) / 2, 10.0]], rtol=1e-6)
    with pytest.raises(ValueError, match="softplus is 0, but must be above 0"):
        root(zoo.total(), softplus=0)


@pytest.mark.parametrize("softplus", [None, 0.5])
def test_a_root_in_another_unit_keeps_its_floor_its_power_and_its_softplus(softplus):
    scale = root(ema(0.0, of=square), eps=0.1, floor=0.5, power=0.5, softplus=softplus)
    plain, _ = scale.update(GRADS[0], scale.init(GRADS[0]))
    small, _ = scale.update(GRADS[0] * 1e-3, scale.init(GRADS[0]), unit=jnp.float32(1e-3))
    np.testing.assert_allclose(small, plain * 1e-3, rtol=1e-5)


def test_the_decay_of_adopt_begins_with_the_second_step():
    tx, params = zoo.adopt(1.0, weight_decay=0.5), jnp.array([2.0])
    state = tx.init(params)
    first, state = tx.update(jnp.zeros(1), state, params)
    second, _ = tx.update(jnp.zeros(1), state, params)
    np.testing.assert_allclose([first, second], [[0.0], [-1.0]])
