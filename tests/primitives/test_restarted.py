"""Estimates that start anew, and the rate that warms up after it."""

import jax.numpy as jnp
import numpy as np
import pytest

import optax_zoo as zoo
from optax_zoo import debiased, ema, restarted

GRADS = [jnp.array([float(n)]) for n in range(1, 8)]


def outputs(tx, grads=GRADS):
    state, found = tx.init(grads[0]), []
    for g in grads:
        updates, state = tx.update(g, state)
        found.append(float(updates[0]))
    return found


def test_an_average_forgets_what_was_before():
    found = outputs(restarted(debiased(ema(0.5)), 3))
    anew = outputs(debiased(ema(0.5)), GRADS[2:5])
    np.testing.assert_allclose(found, [*outputs(debiased(ema(0.5)), GRADS[:2]), *anew, 6.0, (6 + 2 * 7) / 3], rtol=1e-6)


def test_inside_debiased_the_weight_goes_on():
    found = outputs(debiased(restarted(ema(0.5), 3)))
    np.testing.assert_allclose(found[2:4], [1.5 / 0.875, (0.75 + 2) / 0.9375], rtol=1e-6)


def test_schedules_go_on():
    decay = lambda count: jnp.where(count < 3, 0.0, 0.5)  # noqa: E731
    np.testing.assert_allclose(outputs(restarted(ema(decay), 2)), [1, 2, 3, 2, 3.5, 3, 5], rtol=1e-6)


def test_it_prints_and_is_checked():
    assert repr(restarted(ema(0.5), 3)) == "restarted(ema(0.5), 3)"
    assert restarted(ema(0.5), 3).rule.by_leaf
    with pytest.raises(ValueError, match="every is 0"):
        restarted(ema(0.5), 0)


def test_the_rate_warms_up_after_each_restart_but_not_at_the_start():
    rate = zoo.restart_warmup(0.1, 5, 3)
    found = [float(rate(jnp.int32(count))) for count in range(8)]
    np.testing.assert_allclose(found[:4], 0.1, rtol=1e-6)
    np.testing.assert_allclose(found[4], 0.001, rtol=1e-5)
    assert found[4] < found[5] < found[6] < 0.1
    np.testing.assert_allclose(found[7], 0.1, rtol=1e-6)
    assert repr(rate) == "restart_warmup(0.1, 5, 3)" and repr(zoo.restart_warmup(0.1, 5, 3, 0.5)).endswith("3, 0.5)")
    scheduled = zoo.restart_warmup(lambda count: 0.1 / (count + 1), 5, 3)
    np.testing.assert_allclose(float(scheduled(jnp.int32(1))), 0.05, rtol=1e-6)
