"""Meta-training: truncated backpropagation through the steps of an optimizer."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from optax_zoo import _checks
from optax_zoo.learned import checkpoints
from optax_zoo.learned.course import Course
from optax_zoo.learned.tasks import Task

ADAM = optax.adam(1e-3)
# Compiled once for all runs of the same course, such as those that continue each other in one process.
_episode = jax.jit(Course.episode, static_argnums=0)
_validation = jax.jit(Course.validation, static_argnums=0)


class Report(NamedTuple):
    """What is reported while meta-training runs.

    Attributes:
      episode: episodes done.
      loss: the objective on the training tasks, averaged since the last report.
      validation: the objective on the validation tasks.
      best: the lowest validation so far.
    """

    episode: int
    loss: float
    validation: float
    best: float


class MetaTrained(NamedTuple):
    """What meta-training has found.

    Attributes:
      weights: those of the lowest validation.
      validation: the objective of these on the validation tasks.
      history: a `Report` for the start and for each interval.
    """

    weights: Any
    validation: float
    history: list[Report]


def meta_train(
    optimizer: Callable[[Any], optax.GradientTransformation],
    weights: Any,
    task: Task,
    *,
    key: jax.Array,
    episodes: int,
    steps: int = 100,
    unroll: int = 20,
    batch: int = 64,
    objective: Callable[[jax.Array], jax.Array] = jnp.mean,
    meta_optimizer: optax.GradientTransformation = ADAM,
    validation_tasks: int = 128,
    interval: int = 50,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    progress: Callable[[Report], None] | None = None,
) -> MetaTrained:
    """Trains the weights of an optimizer, or whatever numbers it is made from, by truncated backpropagation.

    In an episode the optimizer takes `steps` steps on each of a batch of fresh tasks. After every `unroll` of them the
    weights take a step down the derivative of the losses met. The derivative goes back through these steps, but not
    through the gradients of the tasks, as in Andrychowicz et al. (2016).

    Args:
      optimizer: makes a transformation from weights: `lambda w: zoo.learned_lstm(0.1, weights=w)`.
      weights: what training starts from, a tree of numbers such as `init_weights(key)`.
      task: draws a task from a key, see `Task`.
      key: a `jax.random.key`, from which all tasks are drawn; the same key leads to the same weights.
      episodes: episodes in total, including those before a resumption.
      steps: steps of an episode.
      unroll: steps between two meta-steps, a divisor of `steps`.
      batch: tasks of an episode.
      objective: from the losses after each of some steps to the number minimized; by default their mean, as in the
        paper (which sums).
      meta_optimizer: takes the meta-steps; by default `optax.adam(1e-3)`.
      validation_tasks: number of held-out tasks that choose among the weights; drawn from the key, apart from others.
      interval: episodes between two validations, reports and checkpoints. A kill loses at most these.
      checkpoint: a file with everything needed to continue a run; None for none.
      resume: whether to continue from the checkpoint, if there is one; the result is that of an uninterrupted run.
      progress: called with a `Report` at the start and at each interval.

    Returns:
      The weights of the lowest validation, which may be those given, and the history.

    Raises:
      ValueError: for a number outside its range; if the checkpoint exists and is not to be resumed, is torn, or belongs
        to other settings.

    Example:
      Any tree of numbers can be learned, the rate of SGD for example:

      >>> import jax
      >>> import jax.numpy as jnp
      >>> import optax_zoo as zoo
      >>> from optax_zoo.learned import meta_train, quadratic
      >>> start = {"log_rate": jnp.log(1e-4)}
      >>> found = meta_train(
      ...     lambda w: zoo.sgd(jnp.exp(w["log_rate"])), start, quadratic, key=jax.random.key(0), episodes=20,
      ...     steps=10, unroll=5, batch=16, meta_optimizer=optax.adam(0.1), interval=10)
      >>> found.validation < found.history[0].validation
      True
    """
    numbers = dict(steps=steps, unroll=unroll, batch=batch, interval=interval, validation_tasks=validation_tasks)
    for name, number in numbers.items():
        _checks.positive(name, number)
    _checks.non_negative("episodes", episodes)
    if steps % unroll:
        raise ValueError(f"unroll is {unroll}, but must divide steps, which is {steps}.")
    course = Course(optimizer, task, objective, meta_optimizer, steps, unroll, batch)
    weights = jax.tree.map(lambda x: jnp.array(x, jnp.result_type(x)), weights)  # strong types, as after a resumption
    run = _Run(course, weights, key, validation_tasks, interval, None if checkpoint is None else Path(checkpoint))
    run.begin(resume, progress)
    while run.episode < episodes:
        run.go_on(min((run.episode // interval + 1) * interval, episodes), progress)
    return run.found()


class _Standing(NamedTuple):
    """The progress of a run; what a checkpoint holds."""

    weights: Any
    meta_state: Any
    best: Any
    history: Any  # the fields of a Report in each row


class _Run:
    """A meta-training with its checkpoint."""

    def __init__(
        self, course: Course, weights: Any, key: jax.Array, validation_tasks: int, interval: int, file: Path | None
    ):
        self.course, self.file = course, file
        self.of_training, of_validation = jax.random.split(key)
        self.held_out = jax.random.split(of_validation, validation_tasks)
        self.settings = course.described(weights) | {
            "weights": {jax.tree_util.keystr(path): jnp.shape(x) for path, x in jax.tree.leaves_with_path(weights)},
            "key": np.asarray(jax.random.key_data(key)).tolist(),
            "validation_tasks": validation_tasks,
            "interval": interval,
        }
        self.at = _Standing(weights, course.meta_optimizer.init(weights), weights, np.zeros((0, 4)))

    @property
    def episode(self) -> int:
        return int(self.at.history[-1, 0])

    def begin(self, resume: bool, progress: Callable[[Report], None] | None) -> None:
        """Loads the checkpoint if there is one, otherwise validates the weights given."""
        if self.file is not None and self.file.exists():
            if not resume:
                raise ValueError(f"checkpoint {str(self.file)!r} exists; pass resume=True or choose another file.")
            self.at = checkpoints.load(self.file, self.settings, self.at)
        else:
            self._report(0, float("nan"), progress)

    def go_on(self, until: int, progress: Callable[[Report], None] | None) -> None:
        """Runs episodes up to a number, then validates, reports and saves."""
        weights, meta_state, losses = self.at.weights, self.at.meta_state, []
        for number in range(self.episode, until):
            key = jax.random.fold_in(self.of_training, number)
            weights, meta_state, loss = _episode(self.course, weights, meta_state, key)
            losses.append(loss)
        self.at = self.at._replace(weights=weights, meta_state=meta_state)
        self._report(until, float(np.mean(jax.device_get(losses))), progress)

    def found(self) -> MetaTrained:
        history = [Report(int(episode), *map(float, rest)) for episode, *rest in self.at.history]
        return MetaTrained(jax.tree.map(jnp.asarray, self.at.best), history[-1].best, history)

    def _report(self, episode: int, loss: float, progress: Callable[[Report], None] | None) -> None:
        validation = float(_validation(self.course, self.at.weights, self.held_out))
        best = min([float("inf"), *self.at.history[:, 3]])
        if validation < best:
            best, self.at = validation, self.at._replace(best=self.at.weights)
        report = Report(episode, loss, validation, best)
        self.at = self.at._replace(history=np.concatenate([self.at.history, [report]]))
        if self.file is not None:
            checkpoints.save(self.file, self.settings, self.at)
        if progress is not None:
            progress(report)
