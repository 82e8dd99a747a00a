"""Averages of parameters, by the formulas and beside `optax.ema`."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import optax_zoo as zoo
from optax_zoo import averaged_params, primal_averaging

PARAMS = {"w": jnp.array([1.0, -2.0, 0.5]), "b": jnp.array([[3.0]])}
RNG = np.random.default_rng(1)
GRADS = [jax.tree.map(lambda p: jnp.asarray(RNG.normal(size=p.shape), jnp.float32), PARAMS) for _ in range(9)]


def steps(tx):
    """State and parameters after each step."""
    params, state, found = PARAMS, tx.init(PARAMS), []
    for g in GRADS:
        updates, state = tx.update(g, state, params)
        params = optax.apply_updates(params, updates)
        found.append((state, params))
    return found


def evaluated(tx, found):
    return [zoo.evaluation_params(tx, *each) for each in found]


def close(found, expected):
    chex.assert_trees_all_close(found, expected, rtol=1e-5, atol=1e-6)


def around(average):
    return zoo.sgd(0.1).replace(iterate=average)


def mean(trees):
    return jax.tree.map(lambda *leaves: sum(leaves) / len(leaves), *trees)


def test_steps_are_left_as_they_are():
    for (_, params), (_, alone) in zip(steps(around(averaged_params(0.9))), steps(zoo.sgd(0.1)), strict=True):
        chex.assert_trees_all_equal(params, alone)


def test_with_debias_it_is_the_ema_of_optax():
    tx, theirs = around(averaged_params(0.9, debias=True)), optax.ema(0.9)
    found, state = steps(tx), theirs.init(PARAMS)
    for (_, params), average in zip(found, evaluated(tx, found), strict=True):
        expected, state = theirs.update(params, state)
        close(average, expected)


@pytest.mark.parametrize("seeded", [None, "first_step"])
def test_it_starts_before_or_after_the_first_step_that_counts(seeded):
    tx = around(averaged_params(0.8, seeded=seeded, begin=2))
    found = steps(tx)
    expected = found[1][1]
    for t, average in enumerate(evaluated(tx, found)):
        params = found[t][1]
        if t < 2:
            expected_now = params
        else:
            share = 1.0 if seeded and t == 2 else 0.2
            expected = jax.tree.map(lambda a, p, share=share: a + share * (p - a), expected, params)
            expected_now = expected
        close(average, expected_now)


@pytest.mark.parametrize(("begin", "every"), [(0, 1), (3, 1), (0, 3), (2, 3)])
def test_without_a_decay_it_is_the_mean(begin, every):
    tx = around(averaged_params(begin=begin, every=every))
    found = steps(tx)
    for t, average in enumerate(evaluated(tx, found), start=1):
        counted = [found[s - 1][1] for s in range(1, t + 1) if s > begin and (s - begin) % every == 0]
        close(average, mean(counted) if counted else found[t - 1][1])


def test_a_decay_may_depend_on_how_many_were_averaged():
    tx = around(averaged_params(lambda n: n / (n + 1.0), every=2))
    other = around(averaged_params(every=2))
    for each, mean_of_all in zip(evaluated(tx, steps(tx)), evaluated(other, steps(other)), strict=True):
        close(each, mean_of_all)


@pytest.mark.parametrize("from_start", [False, True])
def test_the_loop_holds_an_average_of_an_iterate(from_start):
    tx = zoo.sgd(0.1).replace(iterate=primal_averaging(0.75, from_start=from_start))
    z = params = PARAMS
    for g, (_, found) in zip(GRADS, steps(tx), strict=True):
        z = jax.tree.map(lambda z, g: z - 0.1 * g, PARAMS if from_start else z, g)
        params = jax.tree.map(lambda p, z: 0.75 * p + 0.25 * z, params, z)
        close(found, params)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: averaged_params(1.0), "decay is 1.0, but must be at least 0 and below 1"),
        (lambda: averaged_params(seeded="later"), "seeded is 'later', but must be one of"),
        (lambda: averaged_params(begin=-1), "begin is -1, but must be at least 0"),
        (lambda: averaged_params(every=0), "every is 0, but must be at least 1"),
        (lambda: primal_averaging(1.0), "decay is 1.0, but must be at least 0 and below 1"),
    ],
)
def test_numbers_outside_their_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
