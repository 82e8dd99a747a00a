"""Rounding to narrow types, beside all numbers that these have; and the bits that it is done by."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optax_zoo.precision.noise import bits
from optax_zoo.precision.rounding import nearest, stochastic

NARROW = ["bfloat16", "float16", "float8_e4m3fn", "float8_e5m2", "float8_e4m3b11fnuz", "float8_e5m2fnuz", "float8_e3m4"]
DRAWN = [
    pytest.param(dtype, marks=[] if dtype in ("bfloat16", "float8_e4m3fn") else [pytest.mark.slow]) for dtype in NARROW
]
EVERY = jnp.arange(2**16, dtype=jnp.uint16)  # of the bits that one can draw

rounded = jax.jit(nearest, static_argnums=1)
by_chance = jax.jit(stochastic, static_argnums=1)


def numbers(dtype):
    """All finite numbers of a type, but for the subnormal ones of float32, in order."""
    codes = np.arange(2 ** jnp.finfo(dtype).bits).astype(f"uint{jnp.finfo(dtype).bits}")
    found = codes.view(jnp.dtype(dtype)).astype(np.float32)
    found = found[np.isfinite(found)]
    return np.unique(found[(found == 0) | (np.abs(found) >= np.finfo(np.float32).tiny)])


NUMBERS = {dtype: numbers(dtype) for dtype in NARROW}


def within(dtype):
    """float32 numbers up to the largest of a type, small and large ones as often."""
    largest, tiny = float(NUMBERS[dtype][-1]), 2.0**-126
    sizes = st.floats(tiny, largest, width=32) | st.floats(-30, 8).map(lambda e: min(2.0**e, largest))
    return st.tuples(sizes, st.sampled_from([-1, 1])).map(lambda pair: np.float32(pair[0] * pair[1]))


@pytest.mark.parametrize("dtype", DRAWN)
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_the_mean_over_all_bits_is_the_number_and_each_is_a_neighbour(dtype, data):
    x = data.draw(within(dtype))
    has = NUMBERS[dtype]
    below, above = has[has <= x][-1], has[has >= x][0]
    found = np.asarray(by_chance(jnp.full(EVERY.shape, x), dtype, EVERY), np.float64)
    assert set(found) <= {below, above}
    assert abs(found.mean() - x) <= (float(above) - float(below)) * 2.0**-17


@pytest.mark.parametrize("dtype", NARROW)
def test_numbers_of_the_type_stay_for_all_bits(dtype):
    has = jnp.asarray(NUMBERS[dtype])
    for drawn in (0, 1, 2**15, 2**16 - 1):
        np.testing.assert_array_equal(by_chance(has, dtype, jnp.full(has.shape, drawn, jnp.uint16)), has)


@pytest.mark.parametrize("dtype", NARROW)
def test_what_is_finite_stays_so_and_what_is_not_is_cast(dtype):
    largest = float(NUMBERS[dtype][-1])
    beyond = jnp.array([3e38, -3.4e38])
    expected = np.sign(beyond) * np.minimum(largest, np.abs(beyond))
    np.testing.assert_allclose(by_chance(beyond, dtype, jnp.full(2, 2**16 - 1, jnp.uint16)), expected, rtol=2**-6)
    assert np.abs(by_chance(beyond, dtype, jnp.full(2, 2**16 - 1, jnp.uint16))).max() <= largest
    others = jnp.array([jnp.inf, -jnp.inf, jnp.nan])
    for drawn in (0, 2**16 - 1):
        found = by_chance(others, dtype, jnp.full(3, drawn, jnp.uint16))
        np.testing.assert_array_equal(found, np.asarray(others).astype(jnp.dtype(dtype)).astype(np.float32))


@pytest.mark.parametrize("dtype", NARROW)
def test_the_nearest_is_that_of_a_cast_also_where_it_is_compiled(dtype):
    x = np.random.default_rng(0).normal(size=4096) * 2.0 ** np.linspace(-20, 20, 4096)
    x = np.concatenate([x, NUMBERS[dtype], [np.inf, -np.inf, np.nan, 0.0]]).astype(np.float32)
    with np.errstate(over="ignore"):
        expected = x.astype(jnp.dtype(dtype)).astype(np.float32)
    np.testing.assert_array_equal(rounded(jnp.asarray(x), dtype), expected)


def test_bits_are_uniform_and_other_ones_for_each_key():
    shape = (64, 32, 128)
    first, second = (np.asarray(bits(jax.random.key(seed), shape)).reshape(-1) for seed in (0, 1))
    counts = np.bincount(first >> 6, minlength=1024)
    expected = first.size / 1024
    assert 800 < ((counts - expected) ** 2 / expected).sum() < 1250  # chi-squared, 1023 degrees of freedom
    for lag in (1, 128, 32 * 128):  # neighbours along each axis
        assert abs(np.corrcoef(first[lag:], first[:-lag])[0, 1]) < 5 / first.size**0.5
    assert abs(np.corrcoef(first, second)[0, 1]) < 5 / first.size**0.5
    assert abs(np.mean(first == second) - 2.0**-16) < 5 * (2.0**-16 / first.size) ** 0.5
