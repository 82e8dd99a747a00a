"""A2Grad's iterate and EXAdam's denominator, beside their formulas in NumPy."""

import jax.numpy as jnp
import numpy as np
import pytest

import optax_zoo as zoo
from optax_zoo import accelerated, cross_corrected, ema, square

GRADS = [jnp.array(x) for x in ([1.0, -2.0], [3.0, 0.5], [-1.0, 4.0], [2.0, 2.0])]
START = jnp.array([0.5, 1.0])


@pytest.mark.parametrize("average", ["uni", "inc", "exp"])
def test_accelerated_steps(average):
    tx = zoo.pipeline(learning_rate=1.0, iterate=accelerated(average, beta=2.0, lipschitz=3.0, rho=0.25))
    params, state = START, tx.init(START)
    p = x = np.asarray(START, np.float64)
    v = s = 0.0
    for t, g in enumerate(GRADS, 1):
        updates, state = tx.update(g, state, params)
        params = params + updates
        g = np.asarray(g, np.float64)
        square_distance = np.sum((g - np.mean(GRADS[:t], axis=0)) ** 2)
        s = 0.25 * s + 0.75 * square_distance
        v = {"uni": v + square_distance, "inc": ((t - 1) / t) ** 2 * v + square_distance, "exp": max(v, s)}[average]
        step = -g / (6 / t + 2 * np.sqrt(v * (t if average == "exp" else 1)))
        x = x + step
        share = 2 / (t + 2)
        p = (1 - share) * p + share * x + (1 - share) * 2 / (t + 1) * step
        np.testing.assert_allclose(params, p, rtol=1e-5)


def test_the_average_of_exp_is_there_for_exp_alone():
    assert "smoothed" not in accelerated().init(START)._fields
    assert "smoothed" in accelerated("exp").init(START)._fields
    assert accelerated().rule.by_leaf and not accelerated(stacked=1).rule.by_leaf
    with pytest.raises(ValueError, match="average is 'mean'"):
        accelerated("mean")


def test_corrections_across_averages():
    tx = zoo.pipeline(numerator=ema(0.5), denominator=cross_corrected(ema(0.75, of=square), 0.5, 0.75, eps=0.1))
    state, m, v = tx.init(START), 0.0, 0.0
    for t, g in enumerate(GRADS, 1):
        updates, state = tx.update(g, state)
        g = np.asarray(g, np.float64)
        m, v = 0.5 * m + 0.5 * g, 0.75 * v + 0.25 * g**2
        of_m, of_v = 1 + 0.5**t * m**2 / (m**2 + 0.1), 1 + 0.75**t * v / (v + 0.1)
        scale = np.sqrt(v / (1 - 0.75**t) * of_m) + 0.1
        np.testing.assert_allclose(updates, m * of_v / (1 - 0.5**t) / scale, rtol=1e-5)


def test_corrections_say_where_they_work():
    part = cross_corrected(ema(0.9, of=square), 0.9, 0.9)
    with pytest.raises(ValueError, match="of is 'numerator', but must be one of the slots before"):
        part.update(START, part.init(START))
