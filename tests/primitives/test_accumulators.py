"""Accumulators against what they claim to be, over inputs that vary."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import optax_zoo as zoo
from optax_zoo import absolute, arithmetic_mean, debiased, ema, leaf_sum, peak, square, total, trace

STEPS = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 6), st.integers(1, 4)),
    elements=st.floats(-100, 100, width=32).map(lambda x: 0.0 if abs(x) < 1e-3 else x),
)
DECAYS = st.floats(0.0, 0.999)


def estimates(estimator, steps):
    """The estimate after each step, for one leaf."""
    leaf = jnp.asarray(steps[0])
    state = estimator.init(leaf)
    found = []
    for x in steps:
        estimate, state = estimator.update(jnp.asarray(x), state, leaf)
        found.append(np.asarray(estimate, np.float64))
    return found


def weighted_sum(steps, a, b):
    """sum_i b a^(T-i) x_i, directly, in float64."""
    steps = np.asarray(steps, np.float64)
    return sum(b * a ** (len(steps) - 1 - i) * x for i, x in enumerate(steps))


def close(actual, expected):
    scale = max(1e-3, float(np.max(np.abs(expected), initial=0)))
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4 * scale)


@settings(max_examples=25, deadline=None)
@given(STEPS, DECAYS)
def test_ema_and_trace_are_weighted_sums(steps, decay):
    close(estimates(ema(decay), steps)[-1], weighted_sum(steps, decay, 1 - decay))
    close(estimates(trace(decay), steps)[-1], weighted_sum(steps, decay, 1))
    close(estimates(trace(decay, dampening=0.5), steps)[-1], weighted_sum(steps, decay, 0.5))
    close(estimates(ema(decay, of=square), steps)[-1], weighted_sum(steps**2, decay, 1 - decay))


@settings(max_examples=25, deadline=None)
@given(STEPS, DECAYS)
def test_debiased_averages_of_a_constant_are_the_constant(steps, decay):
    constant = np.repeat(steps[:1], 5, axis=0)
    for estimator in (ema(decay), trace(decay), ema(decay, nesterov=True), trace(decay, nesterov=True)):
        for estimate in estimates(debiased(estimator), constant):
            close(estimate, constant[0])


@settings(max_examples=25, deadline=None)
@given(STEPS)
def test_arithmetic_means_are_means(steps):
    close(estimates(arithmetic_mean(of=square), steps)[-1], np.mean(steps.astype(np.float64) ** 2, axis=0))
    nonzero = np.maximum(np.sum(steps != 0, axis=0), 1)
    sparse = estimates(arithmetic_mean(of=square, sparse=True), steps)[-1]
    close(sparse, np.sum(steps.astype(np.float64) ** 2, axis=0) / nonzero)
    close(estimates(total(of=absolute), steps)[-1], np.sum(np.abs(steps.astype(np.float64)), axis=0))


@settings(max_examples=25, deadline=None)
@given(STEPS, DECAYS)
def test_maxima_over_time(steps, decay):
    largest = np.max([decay ** (len(steps) - 1 - i) * np.abs(x) for i, x in enumerate(steps)], axis=0)
    close(estimates(peak(decay, of=absolute), steps)[-1], largest)
    averages = estimates(ema(decay, of=square), steps)
    close(estimates(zoo.running_max(ema(decay, of=square)), steps)[-1], np.max(averages, axis=0))


def test_nesterov_looks_ahead():
    steps = np.float32([[1.0], [2.0]])
    assert estimates(trace(0.5, nesterov=True), steps)[-1] == 0.5 * (0.5 * 1 + 2) + 2
    assert estimates(ema(0.5, nesterov=True), steps)[-1] == 0.5 * (0.5 * 0.5 + 1) + 1


@settings(max_examples=25, deadline=None)
@given(STEPS, st.floats(0.1, 0.999), st.floats(0.0, 0.99))  # g + blend (m - g) rounds as g does, however near to m
def test_a_blend_weighs_the_average_before_the_step(steps, decay, blend):
    before = weighted_sum(steps[:-1], decay, 1 - decay) if len(steps) > 1 else 0.0
    blended = ema(decay, blend=blend)
    close(estimates(blended, steps)[-1], blend * before + (1 - blend) * steps[-1].astype(np.float64))
    constant = np.repeat(steps[:1], 5, axis=0)
    for estimate in estimates(debiased(blended), constant):
        close(estimate, constant[0])


def test_a_blend_may_be_a_schedule():
    steps = np.float32([[1.0], [2.0], [4.0]])
    growing = ema(0.5, blend=lambda count: 0.1 * count)
    np.testing.assert_allclose(estimates(growing, steps)[-1], [0.2 * 1.25 + 0.8 * 4], rtol=1e-6)


def test_a_blend_is_read_from_the_new_average_and_refuses_other_forms():
    with pytest.raises(ValueError, match=r"decay is 0\.0, but must be above 0 and below 1"):
        ema(0.0, blend=0.9)
    with pytest.raises(ValueError, match=r"blend is 1\.0, but must be at least 0 and below 1"):
        ema(0.9, blend=1.0)
    for other in ({"nesterov": True}, {"seeded": "first_step"}):
        with pytest.raises(ValueError, match=r"blend is 0\.5, but must be None where nesterov or seeded is given"):
            ema(0.9, blend=0.5, **other)


def test_an_increment_is_added_in_each_step():
    steps = np.float32([[1.0], [3.0]])
    grown = ema(0.5, of=square, increment=0.25)
    np.testing.assert_allclose(estimates(grown, steps), [[0.5 + 0.25], [0.5 * 0.75 + 0.5 * 9 + 0.25]])
    np.testing.assert_allclose(estimates(debiased(grown), steps), [[0.75 / 0.5], [5.125 / 0.75]], rtol=1e-6)
    estimate, _ = grown.update(jnp.float32(1.0), grown.init(jnp.float32(1.0)), unit=2.0)
    np.testing.assert_allclose(estimate, 0.5 + 0.25 * 4)
    with pytest.raises(ValueError, match=r"increment is -1\.0"):
        ema(0.5, increment=-1.0)


def test_seeding_at_the_first_step_or_while_zero():
    steps = np.float32([[0.0, 2.0], [4.0, 4.0]])
    np.testing.assert_allclose(estimates(ema(0.75, seeded="first_step"), steps)[-1], [1.0, 2.5])
    np.testing.assert_allclose(estimates(ema(0.75, seeded="while_zero"), steps)[-1], [4.0, 2.5])
    np.testing.assert_allclose(estimates(trace(0.5, dampening=0.5, seeded="first_step"), steps)[-1], [2.0, 3.0])
    with pytest.raises(ValueError, match="seeded is 'always'"):
        ema(0.5, seeded="always")


def test_other_starts_than_zero():
    leaf = jnp.ones(3)
    assert jnp.all(ema(0.5, initial=2.0).init(leaf).value == 2.0)
    assert jnp.all(total(of=square, initial=0.1).init(leaf).value == jnp.float32(0.1))
    with pytest.raises(TypeError, match="keeps no weight"):
        debiased(ema(0.5, initial=2.0))


@pytest.mark.parametrize("estimator", [total(of=square), arithmetic_mean(of=square), optax.ema(0.9), peak(0.9)])
def test_debiased_refuses_what_has_no_weight(estimator):
    with pytest.raises(TypeError, match=r"debiased\(\) got .* keeps no weight"):
        debiased(estimator)


def test_debiasing_inside_and_outside_of_root_and_running_max():
    steps = np.float32([[3.0], [1.0]])
    v, w = weighted_sum(steps**2, 0.9, 0.1), 1 - 0.9**2
    inside, outside = zoo.root(debiased(ema(0.9, of=square)), eps=0.5), debiased(zoo.root(ema(0.9, of=square), eps=0.5))
    np.testing.assert_allclose(estimates(inside, steps)[-1], np.sqrt(v / w) + 0.5, rtol=1e-5)
    np.testing.assert_allclose(estimates(outside, steps)[-1], (np.sqrt(v) + 0.5) / np.sqrt(w), rtol=1e-5)
    after = debiased(zoo.running_max(ema(0.1, of=square)))  # 0.9 * 9 is the larger uncorrected average
    before = zoo.running_max(debiased(ema(0.1, of=square)))
    np.testing.assert_allclose(estimates(after, steps)[-1], 0.9 * 9 / (1 - 0.1**2), rtol=1e-5)
    np.testing.assert_allclose(estimates(before, steps)[-1], 9, rtol=1e-5)


def test_deviation_is_the_standard_deviation_and_never_negative_inside():
    steps = np.float32([[1.0], [5.0]])
    mean, mean_square = weighted_sum(steps, 0.5, 0.5), weighted_sum(steps**2, 0.5, 0.5)
    spread = zoo.deviation(ema(0.5), ema(0.5, of=square), eps=0.1, eps_root=0.01)
    np.testing.assert_allclose(estimates(spread, steps)[-1], np.sqrt(mean_square - mean**2 + 0.01) + 0.1, rtol=1e-5)
    constant = np.full((200, 1), 1.1, np.float32)
    exact = zoo.deviation(debiased(ema(0.9)), debiased(ema(0.9, of=square)), eps=0.0)
    assert all(np.isfinite(found).all() for found in estimates(exact, constant))


def test_a_layer_wise_statistic_has_one_number_a_leaf(params, grads):
    estimator = ema(0.0, of=leaf_sum(square))
    estimate, state = estimator.update(grads, estimator.init(params))
    chex.assert_tree_shape_prefix(state.value, ())
    chex.assert_trees_all_close(estimate, jax.tree.map(lambda g: jnp.sum(g**2), grads), rtol=1e-6)


def test_statistics_of_complex_leaves_are_real():
    leaf = jnp.array([3 + 4j, 1j])
    for of, expected in ((square, [25.0, 1.0]), (absolute, [5.0, 1.0]), (leaf_sum(square), 26.0)):
        estimator = ema(0.0, of=of)
        estimate, state = estimator.update(leaf, estimator.init(leaf))
        assert state.value.dtype == estimate.dtype == jnp.float32
        np.testing.assert_allclose(estimate, expected)


def test_bfloat16_gradients_do_not_stick():
    """1,000 steps of gradient 1: a bfloat16 average sticks at half its value, a bfloat16 counter at 256."""
    leaf = jnp.ones(2, jnp.bfloat16)

    def after(estimator):
        def body(state, _):
            estimate, state = estimator.update(leaf, state)
            return state, estimate

        return jax.lax.scan(body, estimator.init(leaf), length=1000)[1][-1]

    for estimator in (ema(0.995, of=square), arithmetic_mean(of=square, sparse=True)):
        estimate = after(estimator)
        assert estimate.dtype == jnp.bfloat16
        np.testing.assert_allclose(np.float32(estimate), 1.0, rtol=0.01)
    assert after(ema(0.995, of=square, accumulator_dtype=jnp.bfloat16))[0] < 0.8


def test_debiasing_is_exact_to_rounding_at_the_first_step():
    """1 - b2**t in float32 is off by 8e-5 for b2 = 0.9999; the recursion is not."""
    estimate, _ = debiased(ema(0.9999)).update(jnp.float32(3.0), debiased(ema(0.9999)).init(jnp.float32(3.0)))
    np.testing.assert_allclose(estimate, 3.0, rtol=2e-7)


def test_schedules_of_the_decay_count_steps():
    state = ema(zoo.growing_decay(0.9)).init(jnp.float32(0.0))
    assert state.count.dtype == jnp.int32
    estimate, state = ema(zoo.growing_decay(0.9)).update(jnp.float32(1.0), state)
    assert (estimate, state.count) == (0.5, 1)
    assert zoo.growing_decay(0.9)(1) == pytest.approx(1.9 / 3)
    assert zoo.growing_decay(0.9, start=1)(0) == pytest.approx(1.9 / 3)


def test_the_counter_stops_at_the_int32_limit():
    estimator = ema(zoo.growing_decay(0.9))
    state = estimator.init(jnp.float32(0.0))._replace(count=jnp.int32(2**31 - 1))
    assert estimator.update(jnp.float32(1.0), state)[1].count == 2**31 - 1


def test_totals_may_be_weighted_by_step_and_rate():
    g = jnp.array([1.0, -2.0])
    part = total(of=square, weight=zoo.power_growth(1.0))
    state = part.init(g)
    for expected in (1, 3, 6):
        found, state = part.update(g, state)
        np.testing.assert_allclose(found, expected * g**2, rtol=1e-6)
    tx = zoo.pipeline(numerator=total(rated=True, weight=2.0), learning_rate=zoo.already_applied(0.1))
    np.testing.assert_allclose(tx.update(g, tx.init(g))[0], -0.2 * g, rtol=1e-6)
    with pytest.raises(TypeError, match="total needs the learning rate"):
        total(rated=True).update(g, total(rated=True).init(g))


def test_roots_of_other_orders():
    g = jnp.array([8.0, 0.0])
    part = zoo.root(total(), order=3, eps=0.5)
    np.testing.assert_allclose(part.update(g, part.init(g))[0], [2.5, 0.5], rtol=1e-6)
    still = zoo.root(total(), eps=0.0, order=3, still=True)
    np.testing.assert_allclose(still.update(g, still.init(g))[0], [2.0, np.inf], rtol=1e-6)
    slope = jax.grad(lambda g: part.update(g, part.init(g))[0].sum())(g)
    np.testing.assert_allclose(slope, [1 / 12, 0.0], rtol=1e-6)
    with pytest.raises(ValueError, match="order is 4, but must be one of 1, 2, 3"):
        zoo.root(total(), order=4)
