"""The fields of a task from a user's own arrays and model."""

from typing import Any

import numpy as np

from optax_zoo.race.arrays.losses import classification, regression, training
from optax_zoo.race.arrays.models import network, shape_of_scores
from optax_zoo.race.arrays.splits import Split, positions
from optax_zoo.running.errors import RaceError

CLASSIFICATION, REGRESSION = "classification", "regression"
BATCH = 64


def fields_of(x: Any, y: Any, model: Any, *, kind: str | None, split: Split, batch_size: int | None) -> dict[str, Any]:
    """Those that `Task.from_arrays` finds out."""
    inputs, targets = _inputs(x), np.asarray(y)
    classes = _kind(kind, targets) == CLASSIFICATION
    if len(inputs) != len(targets) or not len(inputs):
        raise RaceError(f"x has {len(inputs)} examples and y has {len(targets)}, but must have as many, and some.")
    targets = _classes(targets) if classes else _numbers(targets)
    made = network(model, inputs[:1])
    _check_shape(shape_of_scores(made, inputs[:2]), targets, classes)
    functions = classification if classes else regression
    loss, metric = functions(made.apply)
    train, validation, test = ((inputs[part], targets[part]) for part in positions(split, targets, classes))
    return {
        "init": made.init,
        "loss": loss,
        "metric": metric,
        "state": made.state,
        "training": None if made.train is None else training(functions, made.train),
        "train": train,
        "validation": validation,
        "test": test,
        "metric_name": "accuracy" if classes else "R2",
        "batch_size": min(BATCH, len(train[0])) if batch_size is None else batch_size,
    }


def _inputs(x: Any) -> np.ndarray:
    """Whole numbers as int32, others as float32."""
    inputs = np.asarray(x)
    if inputs.dtype.kind not in "biuf" or inputs.ndim == 0:
        raise RaceError(f"x has dtype {inputs.dtype} and shape {inputs.shape}, but must be numbers, a row per example.")
    if inputs.dtype.kind != "f":
        return inputs.astype(np.int32)
    bad = np.flatnonzero(~np.isfinite(inputs).all(axis=tuple(range(1, inputs.ndim))))
    if len(bad):
        raise RaceError(
            f"x must be finite, but {len(bad)} of {len(inputs)} examples have NaN or infinity, first {bad[0]}."
        )
    return inputs.astype(np.float32)


def _kind(kind: str | None, y: np.ndarray) -> str:
    """What is learned: classes if y holds whole numbers, unless it is said."""
    if kind not in (None, CLASSIFICATION, REGRESSION):
        raise RaceError(f"kind is {kind!r}, but must be {CLASSIFICATION!r} or {REGRESSION!r}.")
    if y.dtype.kind not in "biuf" or y.ndim == 0:
        raise RaceError(
            f"y has dtype {y.dtype}, but must hold classes as whole numbers, or floats; "
            "np.unique(y, return_inverse=True)[1] numbers classes."
        )
    return kind or (REGRESSION if y.dtype.kind == "f" else CLASSIFICATION)


def _classes(y: np.ndarray) -> np.ndarray:
    if y.ndim != 1:
        hint = "; np.argmax(y, axis=-1) makes it of one-hot rows" if y.ndim == 2 and y.shape[1] > 1 else ""
        raise RaceError(f"y has shape {y.shape}, but must be one class per example{hint}.")
    if not np.array_equal(y, np.floor(y)) or y.min() < 0:
        raise RaceError(f"y must hold the classes 0, 1, ..., but has {y[(y < 0) | (y != np.floor(y))][0]}.")
    classes = y.astype(np.int32)
    if classes.max() == 0:
        raise RaceError("y is 0 for all examples, but must have at least two classes.")
    return classes


def _numbers(y: np.ndarray) -> np.ndarray:
    numbers = y.astype(np.float32)
    if not np.isfinite(numbers).all():
        raise RaceError("y must be finite, but has NaN or infinity.")
    if (numbers == numbers[0]).all():
        raise RaceError("y is the same for all examples: there is nothing to learn.")
    return numbers


def _check_shape(shape: tuple[int, ...], y: np.ndarray, classes: bool) -> None:
    """Refuses a model whose scores for two examples do not fit y."""
    count = int(y.max()) + 1 if classes else 0
    expected = (2, count) if classes else (2, *y.shape[1:])
    if shape != expected and (classes or shape != (*expected, 1)):
        of_y = f"y has the classes 0 to {count - 1}" if classes else f"y has shape {y.shape}"
        raise RaceError(f"model returns shape {shape} for 2 examples, but must return {expected}, as {of_y}.")
