"""Optimizers around another one: the one inside."""

import optax

from optax_zoo.algorithms.adam.adam import adam
from optax_zoo.pipeline import Pipeline, pipeline


def inner_row(inner: optax.GradientTransformation | None, learning_rate: optax.ScalarOrSchedule | None) -> Pipeline:
    """The optimizer inside, as a pipeline: Adam where none is given.

    Raises:
      ValueError: for a rate beside an optimizer that has its own.
    """
    if inner is not None and learning_rate is not None:
        raise ValueError(f"learning_rate is {learning_rate!r}, but the inner optimizer brings its own; give only one.")
    found = adam(1e-3 if learning_rate is None else learning_rate) if inner is None else inner
    return found if isinstance(found, Pipeline) else pipeline(learning_rate=found)
