"""Learning rates made of another one."""

import jax
import jax.numpy as jnp
import optax
import pytest

import optax_zoo as zoo
from optax_zoo import linear_warmup, scaled_schedule

FALLING = optax.linear_schedule(1.0, 0.0, 10)


@pytest.mark.parametrize("rate", [0.5, FALLING], ids=["number", "schedule"])
def test_a_warmup_is_reached_in_equal_steps(rate):
    warmup = linear_warmup(rate, 4)
    for count, share in enumerate([0.25, 0.5, 0.75, 1.0, 1.0]):
        full = rate(count) if callable(rate) else rate
        assert warmup(jnp.int32(count)) == pytest.approx(float(share * full))


def test_a_schedule_times_a_factor():
    half = scaled_schedule(FALLING, 0.5)
    assert [float(half(count)) for count in (0, 5, 10)] == [0.5, 0.25, 0.0]


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        (linear_warmup(0.1, 10), "linear_warmup(0.1, 10)"),
        (scaled_schedule(FALLING, 0.5), "scaled_schedule(polynomial_schedule(...), 0.5)"),
        (linear_warmup(scaled_schedule(linear_warmup(1.0, 2), 0.1), 3), None),
    ],
)
def test_they_print_as_they_are_written_and_are_rates(schedule, text):
    assert text in (repr(schedule), None)
    tx = zoo.sgd(schedule)
    assert repr(schedule) in repr(tx)
    state = tx.init(jnp.ones(2))
    updates, state = tx.update(jnp.ones(2), state)
    assert updates[0] == pytest.approx(-float(schedule(0))) and state["learning_rate"].count == 1


def test_numbers_may_be_traced_and_injected():
    traced = jax.jit(lambda rate, steps: linear_warmup(rate, steps)(jnp.int32(1)))
    assert traced(0.5, 4.0) == pytest.approx(0.25)
    injected = optax.inject_hyperparams(zoo.schedule_free_adamw)(0.1, warmup_steps=4.0)
    params = jnp.ones(2)
    _, state = injected.update(params, injected.init(params), params)
    assert state.inner_state["iterate"].largest_rate == pytest.approx(0.1 / 4)


def test_muon_scales_its_schedule_for_the_rest():
    rest = zoo.muon(FALLING).slots["rest"].slots["learning_rate"]
    assert rest(0) == pytest.approx(0.015)
    assert zoo.muon(0.02).slots["rest"].slots["learning_rate"] == pytest.approx(3e-4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: linear_warmup(-0.1, 4), r"rate is -0\.1, but must be at least 0"),
        (lambda: linear_warmup(0.1, 0), "steps is 0, but must be at least 1"),
        (lambda: scaled_schedule(FALLING, -1), "factor is -1, but must be at least 0"),
    ],
)
def test_numbers_outside_their_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
