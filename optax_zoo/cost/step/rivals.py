"""Optax's optimizers that ours are compared with."""

import types
from collections.abc import Mapping

import optax

RATE = 1e-3  # no cost depends on it
SAME: Mapping[str, optax.GradientTransformation] = types.MappingProxyType(
    {
        "sgd": optax.sgd(RATE),
        "momentum": optax.sgd(RATE, momentum=0.9),
        "nag": optax.sgd(RATE, momentum=0.9, nesterov=True),
        "adagrad": optax.adagrad(RATE),
        "rmsprop": optax.rmsprop(RATE),
        "adadelta": optax.adadelta(RATE),
        "adam": optax.adam(RATE),
        "adamw": optax.adamw(RATE),
        "adamax": optax.adamax(RATE),
        "nadam": optax.nadam(RATE),
        "amsgrad": optax.amsgrad(RATE),
        "novograd": optax.novograd(RATE),
    }
)


def same_of_optax(name: str) -> tuple[str, optax.GradientTransformation]:
    """Optax's algorithm of the same name as ours, with its name; its Adam if there is none."""
    known = name if name in SAME else "adam"
    return f"optax {known}", SAME[known]
