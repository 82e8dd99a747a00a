"""What is trained in a race: data in three parts, a loss and a metric."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from optax_zoo.race.arrays.fields import fields_of
from optax_zoo.race.arrays.splits import Split
from optax_zoo.running.errors import RaceError

Tree = Any
STEPS = 600  # the budget of a task that names none


@dataclasses.dataclass(frozen=True)
class Task:
    """A model, its data and how good it is.

    The rate of an optimizer is chosen on `validation`, the figures are reported on `test`. Each part is a tree of
    arrays whose leading axis counts examples; a batch has the same structure.

    Attributes:
      name: the name in the table and in race.json.
      init: from a key (`jax.random.key`) to parameters, a tree of arrays.
      loss: from parameters and a batch to a scalar, the mean over the batch; it is minimized.
      metric: from parameters and a batch to a scalar, the larger the better.
      train: the examples trained on; batches are drawn from epochs in random order.
      validation: the examples that choose the rate.
      test: the examples of the reported figures.
      metric_name: what the metric is called.
      batch_size: examples per step, at most those of `train`.
      target: the value of the metric on `validation` whose first passing is timed, in steps; None for no such column.
      state: arrays that training carries along but no optimizer sees, such as the running averages of batch norm, as
        they are at the start. With it, `loss` and `metric` get the present ones as a third argument.
      training: the loss of a training step where it is not `loss`: from parameters, a batch, a key that is new in each
        step and the state to the loss and the new state. For dropout, batch norm and noise.
      project: from the parameters after a step to the nearest allowed ones.
      shuffle: whether epochs are in random order; without it, in that of `train`.
      steps: the budget: how many steps a trial takes unless the race says otherwise, at least 1.
    """

    name: str
    init: Callable[[jax.Array], Tree]
    loss: Callable[..., jax.Array]
    metric: Callable[..., jax.Array]
    train: Tree
    validation: Tree
    test: Tree
    metric_name: str = "accuracy"
    batch_size: int = 64
    target: float | None = None
    state: Tree = None
    training: Callable[[Tree, Tree, jax.Array, Tree], tuple[jax.Array, Tree]] | None = None
    project: Callable[[Tree], Tree] | None = None
    shuffle: bool = True
    steps: int = STEPS

    def __post_init__(self) -> None:
        for part in ("train", "validation", "test"):
            count_examples(part, getattr(self, part))
        examples = count_examples("train", self.train)
        if not isinstance(self.batch_size, int) or not 1 <= self.batch_size <= examples:
            raise RaceError(
                f"batch_size is {self.batch_size!r}, but must be from 1 to the number of training examples, {examples}."
            )
        if self.target is not None and not np.isfinite(self.target):
            raise RaceError(f"target is {self.target!r}, but must be a finite number or None.")
        if isinstance(self.steps, bool) or not isinstance(self.steps, int) or self.steps < 1:
            raise RaceError(f"steps is {self.steps!r}, but must be a whole number at least 1.")

    @classmethod
    def from_arrays(
        cls,
        x: Any,
        y: Any,
        model: Any,
        *,
        kind: str | None = None,
        name: str = "own data",
        validation: float = 0.2,
        test: float = 0.2,
        shuffle: bool = True,
        seed: int = 0,
        batch_size: int | None = None,
        steps: int = STEPS,
        target: float | None = None,
    ) -> "Task":
        """A task of one's own arrays and model; the arrays are split into the three parts.

        Classes (`y` of whole numbers) are learned by cross-entropy and measured by accuracy, numbers (`y` of floats) by
        squared error and R2, the share of the variance of `y` that is explained. Inputs are taken as they are:
        standardize them before.

        Args:
          x: inputs, an example per row: floats, or whole numbers such as tokens.
          y: a class from 0 per example; or a number, or a row of numbers.
          model: what returns a score per class, or numbers of the shape of `y`: a Flax Linen module; a function (or
            class) from `nnx.Rngs` to an NNX module; an NNX module, whose parameters then begin every trial whatever its
            seed; or a pair of functions, from a key to parameters and from parameters and inputs to scores. Dropout and
            batch norm are on in steps of training, and off where the model is evaluated: an NNX module by its `train`
            and `eval`, and either by an argument of `__call__` that is named train, training, is_training,
            deterministic or use_running_average.
          kind: "classification" or "regression", where the dtype of `y` does not tell.
          name: of the task.
          validation: the share of the examples that choose the rate.
          test: the share of the examples of the reported figures.
          shuffle: whether the parts are drawn at random, with the classes in the same proportions; otherwise the first
            examples train and the last ones test, as for data in order of time, but not for sorted labels.
          seed: of the split.
          batch_size: examples per step; by default 64, or all if training has fewer.
          steps: the budget of a trial.
          target: the value of the metric on `validation` whose first passing is timed.

        Raises:
          RaceError: for arrays that do not fit each other, the model or the split.
          MissingExtraError: without Flax, unless the model is a pair of functions, or without scikit-learn.

        Example:
          >>> import numpy as np
          >>> from flax import linen as nn
          >>> from optax_zoo.race import Task
          >>> x = np.random.default_rng(0).normal(size=(100, 4))
          >>> task = Task.from_arrays(x, (x[:, 0] > 0).astype(int), nn.Dense(2))
          >>> [len(labels) for _, labels in (task.train, task.validation, task.test)]
          [60, 20, 20]
        """
        split = Split(validation, test, shuffle, seed)
        fields = fields_of(x, y, model, kind=kind, split=split, batch_size=batch_size)
        return cls(name=name, steps=steps, target=target, **fields)

    def step_loss(self, parameters: Tree, batch: Tree, key: jax.Array, state: Tree) -> tuple[jax.Array, Tree]:
        """The loss that a training step takes the gradient of, and the new state."""
        if self.training is None:
            return self.loss(parameters, batch, *self._given(state)), state
        return self.training(parameters, batch, key, state)

    def evaluate(self, parameters: Tree, state: Tree, part: Tree) -> tuple[jax.Array, jax.Array]:
        """The loss and the metric on a part of the data."""
        given = self._given(state)
        return self.loss(parameters, part, *given), self.metric(parameters, part, *given)

    def _given(self, state: Tree) -> tuple[Tree, ...]:
        return () if self.state is None else (state,)


def count_examples(part: str, tree: Tree) -> int:
    """The length of the leading axis, the same for all leaves.

    Raises:
      RaceError: if it is absent, 0 or differs between leaves.
    """
    lengths = {np.shape(leaf)[0] if np.ndim(leaf) else 0 for leaf in jax.tree.leaves(tree)}
    if len(lengths) != 1 or 0 in lengths:
        raise RaceError(f"{part} must be a tree of arrays whose leading axes have the same length, at least 1.")
    return lengths.pop()
