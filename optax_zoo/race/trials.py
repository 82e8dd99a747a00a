"""The compiled program of a race: trials (one rate, one seed each) side by side."""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from optax_zoo.race.entrants import Factory
from optax_zoo.race.errors import RaceError
from optax_zoo.race.task import Task, Tree, count_examples

EVALUATIONS = 24
# Trials that run side by side. The time of a trial is the same from 3 to 21 on a CPU; 7 divides the default grid.
WIDTH = 7
# Folded into a trial's key for what steps draw; the orders of epochs fold in the number of a step, which is less.
NOISE = 2**32 - 1


class Start(NamedTuple):
    """What all optimizers share: the data, and for each seed the initial parameters and a key for the batches."""

    train: Tree
    validation: Tree
    test: Tree
    parameters: Tree
    keys: jax.Array


class Trials(NamedTuple):
    """Outcomes, with the trials on the leading axis and evaluations on the second.

    Attributes:
      train_loss: mean loss of the batches since the evaluation before.
      validation_loss: loss on the validation part.
      validation_metric: metric on the validation part.
      test_loss: loss on the test part after the last step.
      test_metric: metric on the test part after the last step.
      diverged: whether a loss or a parameter was NaN or infinite at any time.
    """

    train_loss: Any
    validation_loss: Any
    validation_metric: Any
    test_loss: Any
    test_metric: Any
    diverged: Any


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
        raise RaceError(f"task {task.name!r}: init fails with {_first_line(error)}") from error
    train, validation, test = jax.tree.map(jnp.asarray, (task.train, task.validation, task.test))
    start = Start(train, validation, test, parameters, keys[:, 1])
    _check_metric(task, start)
    return start


def run_trial(task: Task, factory: Factory, steps: int, start: Start, rate: jax.Array, seed: jax.Array) -> Trials:
    """Trains once, with the initial parameters and batches of `seed` (an index into `start`)."""
    transformation = optax.with_extra_args_support(factory(rate))
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
        (loss, model), gradient = jax.value_and_grad(task.step_loss, has_aux=True)(
            parameters, jax.tree.map(lambda x: x[chosen], start.train), jax.random.fold_in(noise, number), model
        )
        updates, state = transformation.update(gradient, state, parameters, value=loss)
        parameters = optax.apply_updates(parameters, updates)
        if task.project is not None:
            parameters = task.project(parameters)
        return parameters, model, state, order, total + loss

    def interval(carry: Any, bounds: Any) -> Any:
        first, stop = bounds
        *carry, total = jax.lax.fori_loop(first, stop, step, (*carry, jnp.zeros(())))
        parameters, model = carry[:2]
        loss, metric = task.evaluate(parameters, model, start.validation)
        finite = jnp.isfinite(total) & jnp.isfinite(loss) & _all_finite(parameters)
        return tuple(carry), (total / (stop - first), loss, metric, finite)

    stops = evaluation_steps(steps)
    bounds = (jnp.asarray([0, *stops[:-1]]), jnp.asarray(stops))
    model = jax.tree.map(jnp.asarray, task.state)
    carry: Any = (parameters, model, transformation.init(parameters), jnp.arange(examples))
    (parameters, model, *_), (train_loss, loss, metric, finite) = jax.lax.scan(interval, carry, bounds)
    test_loss, test_metric = task.evaluate(parameters, model, start.test)
    return Trials(train_loss, loss, metric, test_loss, test_metric, ~jnp.all(finite))


class Program:
    """The trials of one optimizer as one compiled program of fixed width, which serves any rates and seeds.

    Attributes:
      state_bytes: bytes of the optimizer's state per parameter of the task.
      seconds: wall time of each call, `width` trials, without compilation.
    """

    def __init__(self, task: Task, name: str, factory: Factory, steps: int, start: Start, width: int = WIDTH) -> None:
        """Traces the program, which finds an optimizer that cannot run before any has run.

        Raises:
          RaceError: if the task cannot be trained with this optimizer.
        """
        self.steps, self.width, self.start = steps, width, start
        self.seconds: list[float] = []

        def trials(start: Start, rates: jax.Array, seeds: jax.Array) -> Trials:
            return jax.vmap(lambda rate, seed: run_trial(task, factory, steps, start, rate, seed))(rates, seeds)

        try:
            self.state_bytes = _state_bytes(factory, start)
            self._traced = jax.jit(trials).trace(start, np.zeros(width, np.float32), np.zeros(width, np.int32))
        except (TypeError, ValueError, AttributeError) as error:
            raise RaceError(f"optimizer {name!r} cannot train task {task.name!r}: {_first_line(error)}") from error

    def compile(self) -> None:
        """Compiles what was traced."""
        self._compiled = self._traced.lower().compile()

    def run(self, rates: Sequence[float], seeds: Sequence[int]) -> Trials:
        """The outcomes, as NumPy arrays, of the trials `zip(rates, seeds)`."""
        chunks = [
            self._chunk(rates[i : i + self.width], seeds[i : i + self.width]) for i in range(0, len(rates), self.width)
        ]
        return Trials(*(np.concatenate(parts) for parts in zip(*chunks, strict=True)))

    def _chunk(self, rates: Sequence[float], seeds: Sequence[int]) -> Trials:
        missing = (0, self.width - len(rates))
        padded = [np.pad(x, missing, "edge") for x in (np.asarray(rates, np.float32), np.asarray(seeds, np.int32))]
        began = time.perf_counter()
        trials = jax.block_until_ready(self._compiled(self.start, *padded))
        self.seconds.append(time.perf_counter() - began)
        return Trials(*(np.asarray(x)[: len(rates)] for x in trials))

    @property
    def milliseconds_per_step(self) -> float:
        """Median wall time of a call over its steps times its trials, in milliseconds."""
        return float(np.median(self.seconds)) * 1e3 / (self.steps * self.width)


def _all_finite(tree: Tree) -> jax.Array:
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(x)) for x in jax.tree.leaves(tree)]))


def _state_bytes(factory: Factory, start: Start) -> float:
    parameters = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), start.parameters)
    state = jax.eval_shape(lambda rate, p: factory(rate).init(p), jax.ShapeDtypeStruct((), jnp.float32), parameters)
    count = sum(x.size for x in jax.tree.leaves(parameters))
    return sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(state)) / count


def _check_metric(task: Task, start: Start) -> None:
    parameters = jax.tree.map(lambda x: x[0], start.parameters)
    _, metric = jax.eval_shape(task.evaluate, parameters, task.state, start.validation)
    if getattr(metric, "shape", None) != ():
        raise RaceError(f"task {task.name!r}: metric must return one number, but returns {metric}.")


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
