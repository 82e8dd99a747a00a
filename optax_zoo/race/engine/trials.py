"""One trial of a race, from initial parameters to outcomes, as a function that jax can compile."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from optax_zoo.evaluation import evaluation_params
from optax_zoo.primitives.curvature import hutchinson
from optax_zoo.race.storage.batches import Trials
from optax_zoo.race.task import Task, Tree, count_examples
from optax_zoo.running.errors import RaceError, first_line

EVALUATIONS = 24
# Folded into a trial's key for what steps draw; the orders of epochs fold in the number of a step, which is less.
NOISE = 2**32 - 1


class Start(NamedTuple):
    """What all optimizers share: the data, and for each seed the initial parameters and a key for the batches."""

    train: Tree
    validation: Tree
    test: Tree
    parameters: Tree
    keys: jax.Array


def evaluation_steps(steps: int) -> np.ndarray:
    """Numbers of steps after which a trial is evaluated: about `EVALUATIONS`, evenly spaced, the last at the end."""
    every = -(-steps // EVALUATIONS)
    return np.minimum(np.arange(every, steps + every, every), steps)


def prepare(task: Task, seed: int, count: int) -> Start:
    """Data on the device, and `count` initial parameters and keys that follow from `seed`."""
    keys = jax.vmap(lambda i: jax.random.split(jax.random.fold_in(jax.random.key(seed), i)))(jnp.arange(count))
    try:
        parameters = jax.jit(jax.vmap(task.init))(keys[:, 0])
    except (TypeError, ValueError) as error:
        raise RaceError(f"task {task.name!r}: init fails with {first_line(error)}") from error
    train, validation, test = jax.tree.map(jnp.asarray, (task.train, task.validation, task.test))
    start = Start(train, validation, test, parameters, keys[:, 1])
    _check_metric(task, start)
    return start


def untrained(task: Task, start: Start) -> np.ndarray:
    """The metric on the test part before the first step, by seed."""
    metric = jax.jit(jax.vmap(lambda parameters: task.evaluate(parameters, task.state, start.test)[1]))
    return np.asarray(metric(start.parameters))


def run_trial(
    task: Task,
    transformation: optax.GradientTransformationExtraArgs,
    steps: int,
    start: Start,
    seed: jax.Array,
    until: jax.Array | None = None,
) -> Trials:
    """Trains once, with the initial parameters and batches of `seed` (an index into `start`).

    With `until`, nothing is done after as many evaluations, and figures from there on are NaN.

    An optimizer is evaluated at the parameters that it is meant to be, see `evaluation_params`.
    """
    parameters = jax.tree.map(lambda x: x[seed], start.parameters)
    key = start.keys[seed]
    noise = jax.random.fold_in(key, NOISE)
    examples = count_examples("train", start.train)
    per_epoch = examples // task.batch_size

    def step(number: jax.Array, carry: Any) -> Any:
        parameters, model, state, order, total = carry
        if task.shuffle:
            order = jax.lax.cond(
                number % per_epoch == 0,
                lambda: jax.random.permutation(jax.random.fold_in(key, number), examples),
                lambda: order,
            )
        chosen = jax.lax.dynamic_slice(order, (number % per_epoch * task.batch_size,), (task.batch_size,))
        given = jax.tree.map(lambda x: x[chosen], start.train), jax.random.fold_in(noise, number), model
        (loss, model), gradient = jax.value_and_grad(task.step_loss, has_aux=True)(parameters, *given)
        curvature = hutchinson(lambda parameters: task.step_loss(parameters, *given)[0], parameters)
        updates, state = transformation.update(gradient, state, parameters, value=loss, curvature=curvature)
        parameters = optax.apply_updates(parameters, updates)
        if task.project is not None:
            parameters = task.project(parameters)
        return parameters, model, state, order, total + loss

    def evaluate(parameters: Any, model: Any, state: Any, data: Tree) -> tuple[Any, Any]:
        found = evaluation_params(transformation, state, parameters)
        if task.project is not None and found is not parameters:
            found = task.project(found)
        return task.evaluate(found, model, data)

    def trained(carry: Any, bounds: Any) -> Any:
        first, stop = bounds
        *carry, total = jax.lax.fori_loop(first, stop, step, (*carry, jnp.zeros(())))
        parameters, model, state = carry[:3]
        loss, metric = evaluate(parameters, model, state, start.validation)
        finite = jnp.isfinite(total) & jnp.isfinite(loss) & _all_finite(parameters)
        return tuple(carry), (total / (stop - first), loss, metric, finite)

    def left_out(carry: Any, bounds: Any) -> Any:
        return carry, (jnp.nan, jnp.nan, jnp.nan, jnp.bool_(True))

    def interval(carry: Any, place: Any) -> Any:
        number, *bounds = place
        if until is None:
            return trained(carry, bounds)
        return jax.lax.cond(number < until, trained, left_out, carry, bounds)

    stops = evaluation_steps(steps)
    bounds = (jnp.arange(len(stops)), jnp.asarray([0, *stops[:-1]]), jnp.asarray(stops))
    model = jax.tree.map(jnp.asarray, task.state)
    carry: Any = (parameters, model, transformation.init(parameters), jnp.arange(examples))
    (parameters, model, state, _), (train_loss, loss, metric, finite) = jax.lax.scan(interval, carry, bounds)
    test_loss, test_metric = evaluate(parameters, model, state, start.test)
    return Trials(train_loss, loss, metric, test_loss, test_metric, ~jnp.all(finite))


def _all_finite(tree: Tree) -> jax.Array:
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(x)) for x in jax.tree.leaves(tree)]))


def _check_metric(task: Task, start: Start) -> None:
    parameters = jax.tree.map(lambda x: x[0], start.parameters)
    _, metric = jax.eval_shape(task.evaluate, parameters, task.state, start.validation)
    if getattr(metric, "shape", None) != ():
        raise RaceError(f"task {task.name!r}: metric must return one number, but returns {metric}.")
