"""The compiled program against a plain loop."""

from types import SimpleNamespace

import jax
import numpy as np
import optax
import pytest

import optax_zoo
from optax_zoo.race.engine import trials
from optax_zoo.race.engine.program import Point
from optax_zoo.race.storage.batches import Batches

STEPS, SEED, RATE = 26, 2, 0.05


def plain_loop(task, transformation, start):
    """Parameters to evaluate with after each step, and the loss of each batch, as one would write it in a notebook."""
    parameters = jax.tree.map(lambda x: x[SEED], start.parameters)
    state, per_epoch, losses, path = transformation.init(parameters), 36 // task.batch_size, [], []
    for number in range(STEPS):
        if number % per_epoch == 0:
            order = jax.random.permutation(jax.random.fold_in(start.keys[SEED], number), 36)
        first = number % per_epoch * task.batch_size
        batch = jax.tree.map(lambda x: x[order[first : first + task.batch_size]], start.train)  # noqa: B023
        loss, gradient = jax.value_and_grad(task.loss)(parameters, batch)
        updates, state = transformation.update(gradient, state, parameters, value=loss)
        parameters = optax.apply_updates(parameters, updates)
        losses.append(loss)
        path.append(optax_zoo.evaluation_params(transformation, state, parameters))
    return path, np.array(losses)


@pytest.mark.parametrize("name", ["adamw", "schedule_free_adamw"])
def test_program_equals_a_plain_loop(regression, outcomes, name):
    def factory(rate):
        return optax_zoo.create(name, learning_rate=rate)

    start = trials.prepare(regression, seed=5, count=3)
    outcome = outcomes(regression, factory, [0.3, 0.3, RATE], [0, 1, SEED], steps=STEPS, seed=5)

    path, losses = plain_loop(regression, optax.with_extra_args_support(factory(RATE)), start)
    stops = trials.evaluation_steps(STEPS)
    curve = [regression.loss(path[stop - 1], regression.validation) for stop in stops]
    mean = [part.mean() for part in np.split(losses, stops)[:-1]]
    np.testing.assert_allclose(outcome.validation_loss[2], curve, rtol=1e-5)
    np.testing.assert_allclose(outcome.validation_metric[2], -np.array(curve), rtol=1e-5)
    np.testing.assert_allclose(outcome.train_loss[2], mean, rtol=1e-5)
    np.testing.assert_allclose(outcome.test_loss[2], regression.loss(path[-1], regression.test), rtol=1e-5)
    assert outcome.test_loss.shape == (3,) and not outcome.diverged.any()


def test_a_trial_does_not_depend_on_its_neighbours(regression, outcomes):
    alone = outcomes(regression, "sgd", [0.1], [1])
    together = outcomes(regression, "sgd", [1e9, 0.1], [0, 1])
    np.testing.assert_array_equal(alone.validation_loss[0], together.validation_loss[1])


@pytest.mark.parametrize("steps", [1, 23, 24, 25, 600, 601])
def test_evaluations_are_even_and_end_with_the_last_step(steps):
    stops = trials.evaluation_steps(steps)
    assert stops[-1] == steps and len(stops) <= trials.EVALUATIONS
    assert len(set(np.diff([0, *stops[:-1]]))) <= 1


def test_seeds_differ_in_parameters_and_batches(regression):
    start = trials.prepare(regression, seed=0, count=4)
    assert len(np.unique(start.parameters["w"], axis=0)) == 4
    assert len(np.unique(jax.random.key_data(start.keys), axis=0)) == 4


def test_state_bytes_counts_the_real_parameters(regression, program_of):
    assert program_of(regression, lambda rate: optax.sgd(rate, 0.9)).state_bytes == 4
    assert program_of(regression, "optax.sgd").state_bytes == 0


def test_untrained_is_the_metric_of_the_initial_parameters(regression):
    start = trials.prepare(regression, seed=0, count=3)
    each = [regression.metric({"w": w}, regression.test) for w in start.parameters["w"]]
    np.testing.assert_allclose(trials.untrained(regression, start), each, rtol=1e-6)


def test_trials_that_are_known_are_not_run_again(regression, program_of):
    done, known = [], []
    told = SimpleNamespace(advance=done.append, skip=known.append)
    batches = Batches(None)
    points = [Point(rate) for rate in (0.01, 0.1, 0.01)]
    first = program_of(regression, "optax.sgd", batches=batches).run(points, [0] * 3, told)
    again = program_of(regression, "optax.sgd", batches=batches)
    np.testing.assert_array_equal(again.run(points, [0] * 3, told).test_loss, first.test_loss)
    assert "compiled" not in vars(again) and done == [2] and known == [1, 3]
    np.testing.assert_array_equal(first.test_loss[0], first.test_loss[2])
