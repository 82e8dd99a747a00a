"""Numbers in 8 bits: how far what is read is from what was stored, and what happens at the edges."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from optax_zoo.compat import enable_x64
from optax_zoo.precision.blocks import Blocks
from optax_zoo.precision.maps import MAPS
from optax_zoo.precision.quantized import dequantized, stored_in

DTYPES = ["int8", "float8_e4m3fn", "bfloat16"]
KINDS = [  # few, as each is compiled
    ((16, 24), "float32"),
    ((37,), "float32"),
    ((3, 5, 7), "bfloat16"),
    ((9, 32), "float16"),
    ((), "float32"),
    ((0, 5), "float32"),
]


def levels(dtype, onesided):
    """All levels of a map from 0 to 1, in float64."""
    if dtype == "int8":
        return (np.arange(256) / 255) ** 4 if onesided else (np.arange(128) / 127) ** 2
    numbers = np.arange(127, dtype=np.uint8).view(jnp.float8_e4m3fn).astype(np.float64) / 448
    return numbers**2 if onesided else numbers


def half_quantum(dtype, onesided, share):
    """Half the distance of the levels on both sides of a number."""
    found = levels(dtype, onesided)
    above = np.clip(np.searchsorted(found, share), 1, len(found) - 1)
    return (found[above] - found[above - 1]) / 2


def blocks_of(x, blocks):
    """The numbers of each block, as rows."""
    apart = np.asarray(blocks.apart(x))
    inside = blocks.inside
    return np.moveaxis(apart, inside, range(-len(inside), 0)).reshape(-1, int(np.prod(blocks.sides, dtype=int)))


def drawn(shape, seed, scale, signs, spread):
    """Numbers that are spread over so many powers of ten, of which some are 0."""
    rng = np.random.default_rng(seed)
    x = scale * 10 ** -(spread * rng.uniform(size=shape)) * (rng.uniform(size=shape) < 0.9)
    return x * np.where(rng.uniform(size=shape) < 0.5, -1, 1) if signs else x


@settings(max_examples=60, deadline=None)
@given(
    dtype=st.sampled_from(["int8", "float8_e4m3fn"]),
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 2**32 - 1),
    power=st.integers(-37, 38),
    signs=st.booleans(),
    spread=st.sampled_from([0, 1, 4, 12]),
)
@example("int8", ((16, 24), "float32"), 0, 38, False, 0)
@example("float8_e4m3fn", ((37,), "float32"), 0, 38, True, 0)
def test_an_error_is_at_most_half_a_quantum(dtype, kind, seed, power, signs, spread):
    shape, own = kind
    power = max(-4, min(power, 4)) if own == "float16" else power
    numbers = drawn(shape, seed, 10.0**power, signs, spread)
    x = jnp.asarray(np.where(np.abs(numbers) < float(jnp.finfo(own).smallest_normal), 0, numbers), own)
    blocks = Blocks.of(shape, 64)
    stored = stored_in(dtype, x, blocks)
    found = dequantized(stored)
    assert stored.codes.shape == shape and stored.codes.dtype == dtype and found.dtype == x.dtype == stored.scales.dtype
    if x.size == 0:
        return
    for was, now in zip(blocks_of(x, blocks).astype(float), blocks_of(found, blocks).astype(float), strict=True):
        largest = np.abs(was).max()
        np.testing.assert_array_equal(now[was == 0], 0)
        if largest == 0:
            continue
        allowed = half_quantum(dtype, (was >= 0).all(), np.abs(was) / largest) * largest
        rounding = 2 * np.abs(was) * float(jnp.finfo(own).eps) + float(jnp.finfo(own).smallest_normal)
        assert (np.abs(now - was) <= allowed * (1 + 1e-4) + rounding).all()
        assert np.abs(now).max() == largest and (now * was >= 0).all()


@settings(max_examples=40, deadline=None)
@given(
    dtype=st.sampled_from(DTYPES),
    seed=st.integers(0, 2**32 - 1),
    power=st.integers(-36, 37),
    signs=st.booleans(),
    spread=st.sampled_from([0, 1, 4, 8]),
)
def test_chance_takes_a_neighbour_and_is_right_on_average(dtype, seed, power, signs, spread):
    numbers = drawn((1, 24), seed, 10.0**power, signs, spread)
    x = jnp.asarray(np.broadcast_to(numbers, (4096, 24)), "float32")
    blocks = Blocks(x.shape, (4096, 1))
    found = np.asarray(dequantized(stored_in(dtype, x, blocks, jax.random.key(seed))), np.float64)
    was = np.asarray(x, np.float64)[0]
    largest = np.abs(was).max()
    if largest == 0:
        return
    if dtype == "bfloat16":
        quantum = 2.0 ** (np.floor(np.log2(np.abs(was) + 1e-300)) - 7)
    else:
        quantum = 2 * largest * half_quantum(dtype, (was >= 0).all(), np.abs(was) / largest)
    tiny = float(jnp.finfo("float32").smallest_normal)
    assert (np.abs(found - was) <= quantum * (1 + 1e-4) + 1e-6 * np.abs(was) + tiny).all()
    assert (found[:, was == 0] == 0).all() and (found * was >= 0).all()
    # Six standard deviations of the mean of 4096 draws, none of which varies by more than half a quantum.
    assert (np.abs(found.mean(0) - was) <= 6 * quantum / 2 / 64 + 1e-4 * quantum + 1e-6 * np.abs(was) + tiny).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_stored_numbers_are_stored_alike_again(dtype):
    x = jnp.asarray(np.random.default_rng(0).normal(size=(64, 48)) ** 3, "float32")
    for each in (x, jnp.abs(x)):
        stored = stored_in(dtype, each, Blocks.of(x.shape, 64))
        again = stored_in(dtype, dequantized(stored), Blocks.of(x.shape, 64))
        jax.tree.map(np.testing.assert_array_equal, again, stored)


@pytest.mark.parametrize("key", [None, 0])
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_not_finite_makes_its_block_nan(dtype, wrong, key):
    x = np.linspace(0.5, 1.0, 64, dtype="float32").reshape(16, 4)
    x[3, 1] = wrong
    draw = None if key is None else jax.random.key(key)
    found = np.asarray(dequantized(stored_in(dtype, jnp.asarray(x), Blocks(x.shape, (4, 1)), draw)))
    if dtype == "bfloat16":
        np.testing.assert_array_equal(found[3, 1], wrong)
        assert np.isfinite(found).sum() == 63
    else:
        assert np.isnan(found[:4]).all() and np.isfinite(found[4:]).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_of_64_bits(dtype):
    with enable_x64(True):
        x = jnp.asarray(np.random.default_rng(0).normal(size=(64, 48)) * 1e-30, "float64")
        stored = stored_in(dtype, x, Blocks.of(x.shape, 64))
        found = dequantized(stored)
        assert found.dtype == stored.scales.dtype == "float64"
        assert 1e-5 < float(jnp.linalg.norm(found - x) / jnp.linalg.norm(x)) < 0.03
        if dtype != "bfloat16":
            assert jnp.max(jnp.abs(found)) == jnp.max(jnp.abs(x))


def test_a_map_has_all_its_levels():
    for dtype in MAPS:
        for onesided in (False, True):
            share = levels(dtype, onesided)
            x = jnp.asarray(share if onesided else np.concatenate([-share[::-1], share]), "float32")
            codes = np.asarray(stored_in(dtype, x, Blocks(x.shape, (1,))).codes)
            assert len(np.unique(codes.view(np.uint8))) == x.size - (not onesided)


@settings(max_examples=100, deadline=None)
@given(shape=array_shapes(min_dims=0, max_dims=5, min_side=1, max_side=300), power=st.integers(4, 10))
def test_blocks_cover_an_array_and_have_a_quarter_of_their_size_at_least(shape, power):
    size, blocks = 2**power, Blocks.of(shape, 2**power)
    held = int(np.prod(blocks.sides, dtype=int))
    assert min(size // 4, np.prod(shape)) <= held <= size
    for n, side, count in zip(shape, blocks.sides, blocks.counts, strict=True):
        assert (count - 1) * side < n <= count * side


@pytest.mark.parametrize(
    "shape, sides",
    [
        ((4096, 4096), (16, 16)),
        ((768, 3072), (8, 32)),
        ((12, 768, 3072), (1, 8, 32)),
        ((768, 12, 64), (32, 1, 8)),
        ((3, 3, 64, 128), (1, 1, 8, 16)),
        ((50304, 768), (8, 32)),
        ((50257, 768), (1, 64)),
        ((65536,), (256,)),
        ((10007,), (251,)),
        ((7, 11, 13), (1, 11, 13)),
        ((), ()),
    ],
)
def test_sides_of_blocks(shape, sides):
    assert Blocks.of(shape, 256).sides == sides
