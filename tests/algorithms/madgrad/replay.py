"""MADGRAD: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import optax
from harness import Replay
from sources import ascending

import optax_zoo as zoo


def row(h: dict[str, Any]) -> zoo.Pipeline:
    return zoo.madgrad(h["lr"], h["momentum"], eps=h["eps"])


def decaying(tx: zoo.Pipeline, h: dict[str, Any], decoupled: bool) -> zoo.Pipeline:
    """Decoupled decay is after the average over iterates, which takes a share of what is before it."""
    coefficient, momentum, rate = h["weight_decay"], h["momentum"], h["lr"] + h["eps"]
    if not coefficient:
        return tx
    if not decoupled:
        return tx.replace(gradient=zoo.coupled_decay(coefficient))
    if not momentum:
        return tx.replace(iterate=from_decaying_start(rate * coefficient))
    return tx.replace(decay=zoo.decoupled_decay(coefficient / (1 - momentum)))


def from_decaying_start(share: float) -> optax.GradientTransformation:
    """Without momentum the start is found from the parameters, so that it decays with them."""

    def update(u: Any, start: Any, params: Any, **extra_args: Any) -> Any:
        start = jax.tree.map(lambda p0, p: p0 - share * p, start, params)
        return jax.tree.map(lambda p0, u, p: p0 + u - p, start, u, params), start

    return optax.GradientTransformationExtraArgs(lambda params: params, update)


def authors(h: dict[str, Any]) -> zoo.Pipeline:
    return decaying(row(h), h, h["decouple_decay"])


def jettify(h: dict[str, Any]) -> zoo.Pipeline:
    return decaying(row(h), h, decoupled=False)


def timm(h: dict[str, Any]) -> zoo.Pipeline:
    """Decoupled, the parameters decay before the average, by the rate without eps."""
    momentum, rate, coefficient = h["momentum"], h["lr"], h["weight_decay"]
    if not (h["decoupled_decay"] and coefficient):
        return decaying(row(h), h, decoupled=False)
    if not momentum:
        return row(h).replace(iterate=from_decaying_start(rate * coefficient))
    return row(h).replace(decay=zoo.decoupled_decay(coefficient * momentum / (1 - momentum) * rate / (rate + h["eps"])))


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    return ascending(decaying(row(h), h, h["weight_decouple"]), h)


REPLAYS = {
    "authors": Replay(authors),
    "jettify": Replay(jettify),
    "timm": Replay(timm),
    "pytorch_optimizer": Replay(pytorch_optimizer),
}
