"""SGDW: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import optax
from harness import Replay
from sources import ascending, with_decay

import optax_zoo as zoo


def sgdw(h: dict[str, Any], slot: str = "velocity") -> zoo.Pipeline:
    """The first gradient enters undampened; to look ahead the whole gradient is added."""
    momentum = None
    if h["momentum"]:
        momentum = zoo.trace(h["momentum"], dampening=h["dampening"], seeded="first_step")
        if h["nesterov"]:
            momentum = zoo.parallel(gradient=zoo.serial(), ahead=zoo.scaled(h["momentum"], momentum))
    return zoo.sgdw(h["lr"], weight_decay=None).replace(velocity=None).replace(**{slot: momentum})


def jettify(h: dict[str, Any]) -> zoo.Pipeline:
    """It subtracts rate times decay itself, whatever the parameter is."""
    constant = h["lr"] * h["weight_decay"]
    return sgdw(h).replace(decay=optax.stateless(lambda u, params: jax.tree.map(lambda u: u - constant, u)))


def timm(h: dict[str, Any]) -> optax.GradientTransformation:
    """`corrected_weight_decay` decays by rate^2 over the first rate: the same while the rate is constant."""
    cautious = zoo.cautious() if h["caution"] and h["momentum"] else None
    return ascending(with_decay(sgdw(h, "momentum").replace(rescale=cautious), h, decoupled=True), h)


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    return ascending(with_decay(sgdw(h), h, h["weight_decouple"]), h)


REPLAYS = {
    "jettify": Replay(jettify),
    "timm": Replay(timm, unread={"corrected_weight_decay": "the same at a constant rate"}),
    "pytorch_optimizer": Replay(pytorch_optimizer),
}
