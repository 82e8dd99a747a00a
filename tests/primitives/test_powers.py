"""Decays and rates that are powers of the step."""

import jax.numpy as jnp
import numpy as np
import pytest

import optax_zoo as zoo
from optax_zoo import power_decay, relative_rate

COUNTS = jnp.array([0, 1, 9, 99_999], jnp.int32)


def test_decays_grow_from_zero_by_a_power():
    t = np.array([1, 2, 10, 100_000])
    np.testing.assert_allclose(power_decay()(COUNTS), 1 - t**-0.8, rtol=1e-6)
    np.testing.assert_allclose(power_decay(0.5, 0.6)(COUNTS), [0.0, 1 - 0.5**0.5, 0.6, 0.6], rtol=1e-6)


def test_at_power_one_the_average_is_an_arithmetic_mean(params, grads):
    powers, mean = zoo.ema(power_decay(1.0)), zoo.arithmetic_mean()
    of_powers, of_mean = powers.init(params), mean.init(params)
    for _ in range(3):
        found, of_powers = powers.update(grads, of_powers)
        expected, of_mean = mean.update(grads, of_mean)
    for leaf in grads:
        np.testing.assert_allclose(found[leaf], expected[leaf], rtol=1e-6)


def test_rates_fall_as_the_root_of_the_step():
    np.testing.assert_allclose(relative_rate()(COUNTS), [1e-2, 1e-2, 1e-2, 1e-2 / 10**0.5], rtol=1e-5)
    np.testing.assert_allclose(relative_rate(0.5)(COUNTS), [0.5, 0.5, 0.1**0.5, 0.1**2.5], rtol=1e-5)
    np.testing.assert_allclose(relative_rate(None)(COUNTS), [1, 0.5**0.5, 0.1**0.5, 0.1**2.5], rtol=1e-5)
    warming = relative_rate(None, warmup=0.01)
    np.testing.assert_allclose(warming(COUNTS), [0.01, 0.02, 0.1, 0.1**2.5], rtol=1e-5)


def test_a_decay_can_restart():
    decay = power_decay(0.5, start=2, every=3)
    np.testing.assert_allclose([decay(n) for n in range(4)], [1 - 2**-0.5, 1 - 3**-0.5, 0, 1 - 2**-0.5], rtol=1e-6)
    np.testing.assert_allclose(power_decay(1.0, start=2)(8), 0.9, rtol=1e-6)
    assert repr(decay) == "power_decay(power=0.5, start=2, every=3)"


def test_they_print_as_they_are_written():
    for written in (power_decay(), power_decay(power=0.5), power_decay(limit=0.9), relative_rate(warmup=1e-06)):
        assert eval(repr(written)) == written
    assert repr(relative_rate(None)) == "relative_rate(largest=None)" and repr(power_decay()) == "power_decay()"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: power_decay(-1.0), r"power is -1.0, but must be at least 0"),
        (lambda: power_decay(limit=1.0), r"limit is 1.0, but must be at least 0 and below 1"),
        (lambda: power_decay(every=0), r"every is 0, but must be at least 1"),
        (lambda: relative_rate(-1.0), r"largest is -1.0"),
        (lambda: relative_rate(warmup=-1.0), r"warmup is -1.0"),
    ],
)
def test_numbers_outside_their_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
