"""What a race does to all optimizers alike: schedule, warm-up, weight decay and random search."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from registered import ALGORITHMS

from optax_zoo.race import RaceError, race
from optax_zoo.race.engine.protocol import schedule_of, transformation
from optax_zoo.running.entrants import resolve

RATE = 0.03
EVERYTHING = {"schedule": "cosine", "warmup": 0.5, "weight_decay": 0.1}
DOWN = (1 + np.cos(np.pi * np.arange(1, 7) / 7)) / 2
QUICK = {"seeds": 1, "final_seeds": 2, "steps": 2, "progress": False}


@pytest.mark.parametrize(
    "schedule, warmup, steps, factors",
    [
        ("cosine", 0.0, 4, [1, (1 + 0.5**0.5) / 2, 0.5, (1 - 0.5**0.5) / 2]),
        ("constant", 0.5, 6, [1 / 4, 1 / 2, 3 / 4, 1, 1, 1]),
        ("cosine", 0.5, 4, [1 / 3, 2 / 3, 1, 0.5]),
        ("constant", 0.99, 3, [1 / 4, 1 / 2, 3 / 4]),
        ("linear", 0.0, 4, [1, 3 / 4, 1 / 2, 1 / 4]),
        ("linear", 0.5, 4, [1 / 3, 2 / 3, 1, 1 / 2]),
        ("inverse_sqrt", 0.0, 4, [1, 1 / 2**0.5, 1 / 3**0.5, 1 / 2]),
        ("inverse_sqrt", 0.5, 6, [1 / 4, 1 / 2, 3 / 4, 1, (4 / 5) ** 0.5, (4 / 6) ** 0.5]),
        ("wsd", 0.0, 10, [*[1] * 9, 1 - 0.5**0.5]),
        ("wsd", 0.2, 10, [1 / 3, 2 / 3, *[1] * 7, 1 - 0.5**0.5]),
        ("one_cycle", 0.0, 10, [1 / 25, 0.28, 0.76, 1, *(4e-6 + (1 - 4e-6) * DOWN)]),
    ],
)
def test_schedules_by_hand(regression, settings_of, schedule, warmup, steps, factors):
    factor = schedule_of(settings_of(regression, schedule=schedule, warmup=warmup, steps=steps))
    np.testing.assert_allclose([factor(step) for step in range(steps)], factors, rtol=1e-6)


@pytest.mark.parametrize("warmup", [0.0, 0.1])
def test_a_constant_rate_is_no_schedule(regression, settings_of, warmup):
    assert schedule_of(settings_of(regression, warmup=warmup, steps=4)) is None  # a tenth of 4 steps is none


def walked(made, params, grads, steps=4):
    """The parameters after each step, with a gradient that changes."""
    state, path = made.init(params), []
    for step in range(steps):
        given = jax.tree.map(lambda g: g * (step - 1.5), grads)  # noqa: B023
        updates, state = made.update(given, state, params, value=jnp.float32(1.0), curvature=given)
        params = optax.apply_updates(params, updates)
        path.append(params)
    return path


def ours(task, settings_of, name, rate=RATE, **changes):
    (entrant,) = resolve([name]).values()
    return transformation(entrant, settings_of(task, [name], steps=4, **changes), jnp.float32(rate), {})


@pytest.mark.parametrize("name", ["adam", "optax.adam", "adamw", "optax.adamw"])
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_weight_decay_makes_adamw_of_adam_and_replaces_that_of_adamw(
    regression, settings_of, params, grads, name, schedule
):
    rate = RATE if schedule == "constant" else optax.cosine_decay_schedule(RATE, 4)
    expected = walked(optax.with_extra_args_support(optax.adamw(rate, weight_decay=0.1)), params, grads)
    made = ours(regression, settings_of, name, schedule=schedule, weight_decay=0.1)
    for found, wanted in zip(walked(made, params, grads), expected, strict=True):
        jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-6), found, wanted)


def test_without_weight_decay_adamw_keeps_its_own(regression, settings_of, params, grads):
    expected = walked(optax.with_extra_args_support(optax.adamw(RATE)), params, grads)
    for found, wanted in zip(
        walked(ours(regression, settings_of, "optax.adamw"), params, grads), expected, strict=True
    ):
        jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-6), found, wanted)


def test_the_row_says_that_the_own_weight_decay_is_off(walk):
    own, of_the_race = (
        race(["adamw"], task=walk(1.0), rates=[0.1], weight_decay=decay, **QUICK).rows[0].composition
        for decay in (0.0, 0.1)
    )
    assert "decoupled_decay(0.01)" in own and "decay(0." not in of_the_race


@pytest.mark.parametrize("name", [*ALGORITHMS, "optax.adam"])
def test_every_algorithm_trains_under_all_rules_at_once(regression, settings_of, name):
    settings = settings_of(regression, [name], steps=3, **EVERYTHING)
    (entrant,) = resolve([name]).values()
    start = {"w": jnp.float32([1.0, 2.0, -1.0])}
    batch = jax.tree.map(lambda x: x[:8], regression.train)
    factor, decay = float(schedule_of(settings)(0)), 0.1

    @jax.jit
    def train(rate):
        made = transformation(entrant, settings, rate, {})
        params, state, updates = start, made.init(start), []
        for _ in range(3):
            loss, gradient = jax.value_and_grad(regression.loss)(params, batch)
            update, state = made.update(gradient, state, params, value=loss, curvature=gradient)
            params = optax.apply_updates(params, update)
            updates.append(update["w"])
        loss, gradient = jax.value_and_grad(regression.loss)(start, batch)
        own = {"weight_decay": 0.0} if entrant.defaults.get("weight_decay") else {}
        plain = optax.with_extra_args_support(entrant.at(rate * factor, **own))
        alone, _ = plain.update(gradient, plain.init(start), start, value=loss, curvature=gradient)
        return jnp.stack(updates), alone["w"]

    updates, first = train(jnp.float32(RATE))
    assert factor == pytest.approx(1 / 3)
    np.testing.assert_allclose(updates[0], first - RATE * factor * decay * start["w"], rtol=1e-4, atol=1e-8)
    assert np.isfinite(updates).all() and (updates != 0).any(axis=1).all()


SEARCH = {"search": {"b1": (0.5, 0.99), "eps": (1e-8, 1e-2, "log")}, "samples": 6}
SEARCH_GAIN = {"search": {"gain": (1.0, 8.0)}, "samples": 8}


def scaled(rate, gain=1.0):
    return optax.sgd(rate * gain)


def test_equal_optimizers_get_equal_draws_within_the_ranges(regression):
    rates = [0.01, 0.1, 1.0]
    entrants = {"one": optax.adam, "two": optax.adam, "plain": lambda rate: optax.sgd(rate)}
    result = race(entrants, task=regression, rates=rates, **SEARCH, **QUICK)
    one, two, plain = (result[name] for name in entrants)
    assert one.search_values == two.search_values and one.search_rates == two.search_rates
    assert one.search_validation_loss == two.search_validation_loss
    b1, eps = (np.array([values[name] for values in one.search_values]) for name in ("b1", "eps"))
    assert b1.min() >= 0.5 and b1.max() <= 0.99 and len(set(b1)) == 6
    assert eps.min() >= 1e-8 and eps.max() <= 1e-2 and eps.min() < 1e-6 < 1e-4 < eps.max()
    assert plain.search_values == ({},) * 6 and len(set(plain.search_rates)) == 6
    for row in (one, plain):
        found = row.rates[int(np.argmax(np.mean(row.tuning_validation_metric, axis=1)))]
        assert all(found / 10.001 <= rate <= found * 10.001 for rate in row.search_rates)
        assert len(row.search_validation_metric) == len(row.search_diverged) == 6


def test_the_seed_changes_the_draws(walk):
    options = {"task": walk(10.0), "rates": [1.0], **SEARCH_GAIN, **QUICK}
    rows = [race({"scaled": scaled}, seed=seed, **options).rows[0] for seed in (0, 1)]
    assert rows[0].search_rates != rows[1].search_rates and rows[0].search_values != rows[1].search_values


def test_a_better_point_of_the_search_is_taken(walk):
    row = race({"scaled": scaled}, task=walk(10.0), rates=[1.0], **SEARCH_GAIN, **QUICK).rows[0]
    reached = [2 * rate * values["gain"] for rate, values in zip(row.search_rates, row.search_values, strict=True)]
    best = int(np.argmin(np.abs(np.array(reached) - 10)))
    assert row.best_values == row.search_values[best] and row.best_rate == row.search_rates[best]
    assert row.validation_metric == pytest.approx(-abs(reached[best] - 10), rel=1e-4)
    assert row.test_metric == pytest.approx(row.validation_metric, rel=1e-4)
    assert np.mean(row.tuning_validation_metric[0]) == -8 < row.validation_metric
    assert re.search(r"gain=\d", row.composition)


def test_a_search_that_finds_nothing_better_changes_nothing(walk):
    still = {"still": lambda rate, gain=1.0: optax.scale(0 * rate * gain)}
    row = race(still, task=walk(1.0), rates=[1.0], **SEARCH_GAIN, **QUICK).rows[0]
    assert row.best_values == {} and row.best_rate == 1.0 and "gain" not in row.composition
    assert set(map(tuple, row.search_validation_metric)) == set(row.tuning_validation_metric)


@pytest.mark.parametrize(
    "change, sentence",
    [
        (
            {"schedule": "step"},
            "schedule is 'step', but must be 'constant' or 'cosine' or 'linear' or 'inverse_sqrt' or "
            "'wsd' or 'one_cycle'.",
        ),
        ({"mapping": "pmap"}, "mapping is 'pmap', but must be 'auto' or 'map' or 'vmap'."),
        ({"warmup": 1}, "warmup is 1, but must be a number at least 0 and below 1."),
        ({"warmup": -0.1}, "warmup is -0.1, but must be a number at least 0 and below 1."),
        ({"warmup": "half"}, "warmup is 'half', but must be a number at least 0 and below 1."),
        ({"weight_decay": -1.0}, "weight_decay is -1.0, but must be a number at least 0."),
        ({"weight_decay": float("inf")}, "weight_decay is inf, but must be a number at least 0."),
        ({"weight_decay": float("nan")}, "weight_decay is nan, but must be a number at least 0."),
        ({"samples": 3}, "samples is 3, but must be above 0 with a search space, and 0 without one."),
        ({"search": {"b1": (0, 1)}}, "samples is 0, but must be above 0 with a search space, and 0 without one."),
        (
            {"search": {"b1": (0, 1)}, "samples": 1.5},
            "samples is 1.5, but must be a whole number from 0 to 2147483647.",
        ),
        (
            {"search": {"b1": (0.9, 0.1)}, "samples": 1},
            'search has (0.9, 0.1) for b1, but must have (low, high) or (low, high, "log").',
        ),
        (
            {"search": {"b1": (0.1, 0.9, "cube")}, "samples": 1},
            "search has (0.1, 0.9, 'cube') for b1, but must have (low, high) or (low, high, \"log\").",
        ),
        (
            {"search": {"b1": "01"}, "samples": 1},
            "search has '01' for b1, but must have (low, high) or (low, high, \"log\").",
        ),
        (
            {"search": {"eps": (0.0, 1.0, "log")}, "samples": 1},
            "search has (0.0, 1.0, 'log') for eps, but a logarithmic range must begin above 0.",
        ),
        (
            {"search": {"beta": (0.0, 1.0)}, "samples": 1},
            "search has 'beta', but no optimizer of the race takes it as a keyword with a numeric default; "
            "known are decay, eps, initial_scale.",
        ),
    ],
)
def test_rules_that_are_refused(regression, change, sentence):
    with pytest.raises(RaceError) as found:
        race(["optax.rmsprop"], task=regression, **{**QUICK, **change})
    assert str(found.value) == sentence
