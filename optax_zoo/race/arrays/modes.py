"""How a model is told whether it is trained or evaluated: by arguments of its call."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

IN_TRAINING: Mapping[str, bool] = {
    "train": True,
    "training": True,
    "is_training": True,
    "deterministic": False,
    "use_running_average": False,
}
HOW = (
    "let its __call__ take an argument train, training, is_training, deterministic or use_running_average, and hand it "
    "on to dropout and batch norm"
)


def flags(call: Callable[..., Any]) -> tuple[dict[str, bool], dict[str, bool]]:
    """The arguments of a call that say whether it is one of training: as they are then, and in evaluation."""
    training = {name: IN_TRAINING[name] for name in inspect.signature(call).parameters if name in IN_TRAINING}
    return training, {name: not value for name, value in training.items()}
