"""Quantized states through the checks of the kit, eight devices among them: what passes without passes with them."""

import functools

import jax
import optax
import pytest

import optax_zoo as zoo
from optax_zoo import conformance
from optax_zoo.precision import with_quantized_state

BESIDE_PARAMETERS = "map_params"  # a `Quantized` has two arrays beside one of another tree
DRAWN_BY_DEVICE = "shard_map_sharded"  # each device draws the noise of the first
OVERFLOWS = "huge_gradients"  # of optax.adam second moments become infinite, which makes their block NaN
A_LEVEL_APART = {"eager_as_jitted"}  # float8 has few levels: what rounds otherwise may end at the next


def adam(learning_rate=0.01):
    return zoo.adam(learning_rate)


def muon(learning_rate=0.01):
    return zoo.muon(learning_rate)


def adam_of_optax(learning_rate=0.01):
    return optax.adam(learning_rate)


@functools.cache
def failed(make):
    return {each.check for each in conformance.check(make) if each.status == "failed"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "make, options, expected",
    [
        (adam, dict(), {BESIDE_PARAMETERS}),
        (adam, dict(dtype="float8_e4m3fn", key=jax.random.key(0)), {BESIDE_PARAMETERS, DRAWN_BY_DEVICE}),
        (muon, dict(), {BESIDE_PARAMETERS}),
        (adam_of_optax, dict(), {BESIDE_PARAMETERS, OVERFLOWS}),
        (adam_of_optax, dict(dtype="bfloat16"), {BESIDE_PARAMETERS}),
    ],
)
def test_conformance(make, options, expected):
    def wrapped(learning_rate=0.01):
        return with_quantized_state(make(learning_rate), min_size=16, block_size=16, **options)

    assert failed(wrapped) - failed(make) - A_LEVEL_APART == expected
