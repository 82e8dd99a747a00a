"""The rectification of young averages."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import optax_zoo as zoo
from optax_zoo import debiased, ema, rectified, root, square


def lengths(decay, steps, dtype="float32"):
    """rho in each step, by the recursion."""
    part = rectified(root(ema(0.5, of=square)), decay)
    g = jnp.ones((), dtype)
    state, found = part.init(g), []
    update = jax.jit(part.update)
    for _ in range(steps):
        _, state = update(g, state)
        found.append(2 * float(state.age) - 1)
    return np.array(found)


def formula(decay, steps):
    t, power = np.arange(1, steps + 1), decay ** np.arange(1.0, steps + 1)
    return 2 / (1 - decay) - 1 - 2 * t * power / (1 - power)


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999])
def test_the_length_has_all_digits_of_float32(decay):
    np.testing.assert_allclose(lengths(decay, 300), formula(decay, 300), rtol=1e-5 if decay else 1e-6)


def test_decays_may_be_schedules():
    changing = lambda count: jnp.where(count < 10, 0.5, 0.9)  # noqa: E731
    found = lengths(changing, 200)
    np.testing.assert_allclose(found[:10], formula(0.5, 10), rtol=1e-5)
    np.testing.assert_allclose(found[-1], 2 / (1 - 0.9) - 1, rtol=1e-4)


def estimates(part, steps=12):
    g = jnp.array([3.0, -1.0])
    state, found = part.init(g), []
    for _ in range(steps):
        estimate, state = part.update(g, state)
        found.append(np.asarray(estimate))
    return found


def test_the_denominator_is_divided_by_r_when_it_is_of_use():
    inner, decay = root(debiased(ema(0.9, of=square)), eps=0.0), 0.9
    rho, limit = formula(decay, 12), 2 / (1 - decay) - 1
    usable = rho >= 5
    r = np.sqrt(np.maximum((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho), 0))
    found = estimates(rectified(inner, decay))
    assert usable.sum() == 7
    for step, plain in enumerate(estimates(inner)):
        np.testing.assert_allclose(found[step], plain / r[step] if usable[step] else 1.0, rtol=1e-5)
    still = estimates(rectified(inner, decay, otherwise="still"))
    assert [bool(np.all(np.isinf(x))) for x in still] == list(~usable)
    chex.assert_trees_all_equal(still[5:], found[5:])


def test_a_longer_threshold_waits_and_a_short_memory_never_rectifies():
    count = lambda decay, **kw: sum(bool(np.all(x != 1)) for x in estimates(rectified(root(ema(0.9)), decay, **kw)))  # noqa: E731
    assert count(0.9) > count(0.9, threshold=8.0) > count(0.5) == 0
    with pytest.raises(ValueError, match=r"threshold is 3\.0, but must be at least 4"):
        rectified(root(ema(0.9)), 0.9, threshold=3.0)
    with pytest.raises(ValueError, match="otherwise is 'sgd', but must be one of 'momentum', 'still'"):
        rectified(root(ema(0.9)), 0.9, otherwise="sgd")


def test_nothing_moves_where_it_stands_still():
    tx = zoo.radam(0.1).replace(denominator=rectified(root(ema(0.999, of=square)), 0.999, otherwise="still"))
    g = jnp.array([3.0, 0.0])
    state = tx.init(g)
    moved = []
    for _ in range(7):
        updates, state = tx.update(g, state)
        moved.append(bool(jnp.any(updates != 0)))
    assert moved == [False] * 5 + [True] * 2
    assert jnp.all(jnp.isfinite(updates))


@pytest.mark.parametrize("decay", [0.9, 0.99, 0.999, 0.9999])
def test_a_schedule_is_rectified_alike(decay):
    """As the root of a gradient of 1 is, but for the first steps, which stand still."""
    part, g = rectified(root(debiased(ema(decay, of=square)), eps=0.0), decay, threshold=4.0, otherwise="still"), 1.0
    schedule, state = zoo.rectified_schedule(0.1, decay), part.init(jnp.ones(()))
    for count in range(300):
        estimate, state = part.update(jnp.asarray(g), state)
        assert float(schedule(jnp.int32(count))) == pytest.approx(0.1 / float(estimate), rel=2e-3)


def test_a_schedule_of_a_schedule_and_what_it_is_at_first():
    schedule = zoo.rectified_schedule(lambda count: 0.5 * count, 0.9, otherwise=2.0)
    assert [float(schedule(jnp.int32(count))) for count in range(3)] == [0.0, 1.0, 2.0]
    assert repr(zoo.rectified_schedule(0.1, 0.9, threshold=4.5)) == "rectified_schedule(0.1, 0.9, threshold=4.5)"
    with pytest.raises(ValueError, match="but must be above 0 and below 1"):
        zoo.rectified_schedule(0.1, 1.0)
