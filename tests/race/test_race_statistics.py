"""Figures over seeds: against values worked out by hand, and against scipy."""

import numpy as np
import pytest
from scipy import stats

from optax_zoo.race.statistics.estimates import (
    RESAMPLES,
    bootstrap_interval,
    half_width,
    interquartile_mean,
    percentile_interval,
    stratified_counts,
    stratified_interval,
    stratified_resamples,
)


def test_the_interquartile_mean_leaves_out_a_quarter_at_each_end():
    assert interquartile_mean(np.array([100.0, 1.0, 2.0, -100.0])) == 1.5
    assert interquartile_mean(np.array([9.0, 1.0, 2.0])) == 4.0  # a quarter of three is none
    values = np.array([[0.0, 1.0, 2.0, 9.0], [4.0, 4.0, 5.0, 5.0]])
    np.testing.assert_array_equal(interquartile_mean(values), [1.5, 4.5])
    np.testing.assert_array_equal(interquartile_mean(values.T, axis=0), [1.5, 4.5])


def test_a_run_that_diverged_is_the_lowest():
    assert interquartile_mean(np.array([-np.inf, 1.0, 2.0, 3.0])) == 1.5
    assert interquartile_mean(np.array([-np.inf, -np.inf, 2.0, 3.0])) == -np.inf


def test_the_interval_of_two_values_is_known():
    """Of two resampled values, both are the first in a quarter of the cases, and both the second in another."""
    assert bootstrap_interval(np.array([1.0, 2.0])) == (1.0, 2.0)


@pytest.mark.parametrize("values", [[3.0, 3.0], [3.0] * 10])
def test_values_that_are_all_the_same_have_no_width(values):
    assert bootstrap_interval(np.array(values)) == (3.0, 3.0)


def test_the_interval_holds_the_mean_in_about_95_of_100_cases():
    values = np.random.default_rng(0).normal(size=(200, 20))
    low, high = stratified_interval(values, [20])
    assert 0.88 < np.mean((low <= 0) & (high >= 0)) < 0.98


def test_runs_are_drawn_from_their_own_task():
    drawn = stratified_resamples([2, 3])
    assert drawn.shape == (RESAMPLES, 5)
    assert set(drawn[:, :2].flat) == {0, 1} and set(drawn[:, 2:].flat) == {2, 3, 4}
    np.testing.assert_allclose(np.bincount(drawn[:, 2:].flat)[2:] / (3 * RESAMPLES), 1 / 3, atol=0.02)
    np.testing.assert_array_equal(drawn, stratified_resamples([2, 3]))


def test_tasks_are_drawn_independently():
    drawn = stratified_resamples([2, 2])
    assert abs(np.corrcoef(drawn[:, 0], drawn[:, 2])[0, 1]) < 0.1


def test_counts_are_those_of_the_draws():
    counts, drawn = stratified_counts([2, 3]), stratified_resamples([2, 3])
    assert counts.sum(axis=1).tolist() == [5] * RESAMPLES
    assert counts[7].tolist() == np.bincount(drawn[7], minlength=5).tolist()


def test_what_differs_between_tasks_only_has_no_width():
    values = np.array([0.0] * 4 + [1.0] * 4)
    assert stratified_interval(values, [4, 4], np.mean) == (0.5, 0.5)
    low, high = stratified_interval(values, [8], np.mean)
    assert low < 0.3 and high > 0.7


def test_of_one_task_the_interval_is_that_of_scipy():
    values = np.random.default_rng(0).normal(size=(2, 10))
    low, high = stratified_interval(values, [10])
    for each, ends in zip(values, zip(low, high, strict=True), strict=True):
        np.testing.assert_allclose(ends, bootstrap_interval(each), atol=0.05)


def test_the_percentiles_are_those_of_95_percent():
    np.testing.assert_allclose(percentile_interval(np.arange(1001.0)), (25, 975))


def test_half_width_of_a_mean_is_that_of_the_t_interval():
    values = np.array([1.0, 2.0, 4.0])
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    np.testing.assert_allclose((values.mean() - half_width(values), values.mean() + half_width(values)), expected)
