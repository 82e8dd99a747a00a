"""The choice of a rate, and what is done at the edge of the grid and with divergence."""

from types import SimpleNamespace

import numpy as np
import optax
import pytest

from optax_zoo.race import race
from optax_zoo.race.engine.program import Point
from optax_zoo.race.engine.tuning import MAX_EXTENSIONS, Grid, measure, rates_of
from optax_zoo.race.statistics.estimates import first_reaching, half_width
from optax_zoo.race.storage.batches import Trials

QUICK = {"seeds": 2, "final_seeds": 2, "steps": 1, "progress": False}


def grid(metric, loss=None, diverged=None):
    metric = np.array(metric, float)
    zeros = np.zeros(metric.shape)
    rates = 10.0 ** np.arange(len(metric))
    return Grid(rates, metric, zeros if loss is None else np.array(loss), zeros > 0 if diverged is None else diverged)


def test_best_is_the_mean_over_seeds():
    assert grid([[0.9, 0.1], [0.6, 0.6], [0.5, 0.5]]).best == 1


def test_ties_go_to_the_lower_loss_then_to_the_lower_rate():
    assert grid([[0.5], [0.5], [0.5]], loss=[[2.0], [1.0], [1.0]]).best == 1


def test_the_same_values_in_another_order_are_a_tie():
    metric = np.float32([[0.975, 0.972, 0.969], [0.972, 0.972, 0.972]])
    assert grid(metric, loss=[[2.0] * 3, [1.0] * 3]).best == 1
    assert grid(metric, loss=[[1.0] * 3, [2.0] * 3]).best == 0


def test_divergence_of_one_seed_is_worse_than_anything():
    diverged = np.array([[False, False], [False, True]])
    assert grid([[0.0, 0.0], [1.0, 1.0]], diverged=diverged).best == 0
    assert grid([[0.0, 0.0], [np.nan, 1.0]]).best == 0


def test_the_rate_is_chosen_on_validation_and_reported_on_test(walk):
    row = race({"sgd": optax.sgd}, task=walk(1.0, test=10.0), rates=[0.1, 1.0, 10.0], **QUICK).rows[0]
    assert row.best_rate == 1.0
    assert row.validation_metric == 0.0
    assert row.test_metric == -9.0


@pytest.mark.parametrize(
    "aim, rates, best, edge",
    [
        (1000.0, (1.0, 10.0, 100.0, 1000.0, 10000.0), 1000.0, None),
        (0.02, (0.001, 0.01, 0.1, 1.0, 10.0), 0.01, None),
        (1e9, (1.0, 10.0, 100.0, 1000.0, 10000.0, 100000.0), 1e5, "upper"),
        (0.0, (1e-4, 1e-3, 0.01, 0.1, 1.0, 10.0), 1e-4, "lower"),
    ],
)
def test_a_winner_at_the_edge_extends_the_grid(walk, aim, rates, best, edge):
    result = race({"sgd": optax.sgd}, task=walk(aim), rates=[1.0, 10.0], **QUICK)
    row = result.rows[0]
    np.testing.assert_allclose(row.rates, rates, rtol=1e-12)
    np.testing.assert_allclose(row.best_rate, best, rtol=1e-12)
    assert row.edge == edge
    assert len(row.rates) <= 2 + MAX_EXTENSIONS
    assert (f"best at the {edge} edge" in repr(result)) == (edge is not None)


def test_a_single_rate_stays_single(walk):
    row = race({"sgd": optax.sgd}, task=walk(5.0), rates=[1.0], **QUICK).rows[0]
    assert row.rates == (1.0,) and row.edge is None


def test_an_absurd_rate_is_shown_and_not_chosen(regression):
    result = race({"sgd": optax.sgd}, task=regression, rates=[0.01, 0.1, 1e9], **{**QUICK, "steps": 30})
    row = result.rows[0]
    assert row.best_rate == 0.1
    assert row.tuning_diverged == ((False, False), (False, False), (True, True))
    assert row.diverged_rates == 1 and "sgd: diverged at 1 of 3 rates" in repr(result)


def test_divergence_everywhere_is_a_row_and_comes_last(regression):
    nowhere = {"broken": lambda rate: optax.scale(rate * np.nan), "sgd": optax.sgd}
    result = race(nowhere, task=regression, rates=[0.01, 0.1], **{**QUICK, "steps": 5})
    row = result["broken"]
    assert [row.optimizer for row in result.rows] == ["sgd", "broken"]
    assert row.best_rate is None and row.test_metric is None and row.final_seeds == ()
    assert row.diverged_rates == len(row.rates) == 2 + MAX_EXTENSIONS
    assert "broken: diverged at 6 of 6 rates" in repr(result)


def test_half_width_is_that_of_a_t_interval():
    np.testing.assert_allclose(half_width(np.array([1.0, 2.0, 3.0])), 4.302653 / np.sqrt(3), rtol=1e-6)


def test_steps_to_a_target_may_be_infinite():
    metric, steps = np.array([[0.1, 0.9, 0.2], [0.9, 0.9, 0.9], [0.1, 0.1, 0.1]]), np.array([5, 10, 15])
    np.testing.assert_array_equal(first_reaching(metric, steps, 0.9), [10, 5, np.inf])
    np.testing.assert_array_equal(first_reaching(metric, steps, 0.95), np.inf)


def test_the_rate_is_judged_by_the_last_quarter_of_the_evaluations():
    curves = np.zeros((2, 8))
    curves[0, -1] = 1.0  # a lucky last moment
    curves[1, -2:] = 0.6
    lucky = Trials(None, curves, curves, None, None, np.zeros(2, bool))
    program = SimpleNamespace(run=lambda points, seeds, progress: lucky)
    assert measure(program, [Point(0.1), Point(1.0)], 1, None).best == 1


@pytest.mark.parametrize(
    "default, rates, expected",
    [
        (1.0, (0.001, 0.01, 0.1), (0.1, 1.0, 10.0)),
        (1.0, (0.001, 0.01), (0.1, 1.0)),
        (1.0, (0.1, 1.0, 10.0), (0.1, 1.0, 10.0)),
        (1.0, (0.1,), (0.1,)),
        (0.9, (0.001, 0.1), (0.001, 0.1)),
        (None, (0.001, 0.1), (0.001, 0.1)),
    ],
)
def test_a_rate_that_is_a_factor_has_its_default_in_the_grid(default, rates, expected):
    found = rates_of(default, rates)
    assert found == pytest.approx(expected) and (default != 1.0 or len(rates) == 1 or 1.0 in found)


def test_a_rate_free_optimizer_is_tried_at_its_default(walk):
    entrants = {"free": lambda learning_rate=1.0: optax.sgd(learning_rate), "other": optax.sgd}
    result = race(entrants, task=walk(1.0), rates=[0.001, 0.01, 0.1], **QUICK)
    assert result["free"].best_rate == 1.0 and result["free"].rates == pytest.approx((0.1, 1.0, 10.0))
    assert result["other"].rates == pytest.approx((0.001, 0.01, 0.1, 1.0, 10.0))
