"""SGDP: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay
from sources import ascending

import optax_zoo as zoo


def momentum(h: dict[str, Any]) -> zoo.Part:
    """To look ahead the whole gradient is added."""
    average = zoo.trace(h["momentum"], dampening=h["dampening"])
    if not h["nesterov"]:
        return average
    return zoo.parallel(gradient=zoo.serial(), ahead=zoo.scaled(h["momentum"], average))


def tangential(h: dict[str, Any], weight_decay: float = 0.0) -> zoo.Part:
    decay = zoo.coupled_decay(weight_decay / (1 - h["momentum"])) if weight_decay else None
    return zoo.tangential(h["delta"], eps=h["eps"], decay=decay, decay_share=h["wd_ratio"], outputs="first")


@zoo.primitive
def kept_tangential(average: zoo.Part, projection: zoo.Part) -> zoo.Rule:
    """A sum of which what is kept loses the component, too."""

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        u, after = average.update(updates, state, params, **extra_args)
        u, _ = projection.update(u, optax.EmptyState(), params, **extra_args)
        return u, after._replace(value=u)

    return zoo.Rule(average.init, update, ("params",))


def authors(h: dict[str, Any]) -> zoo.Pipeline:
    """The component is taken out of the sum itself, in place, unless it is looked ahead from."""
    tx = zoo.sgdp(h["lr"])
    if h["nesterov"]:
        return tx.replace(momentum=momentum(h), rescale=tangential(h, h["weight_decay"]))
    nothing = zoo.scaled(0.0, zoo.serial())
    decay = zoo.serial(nothing=nothing, decay=tangential(h, h["weight_decay"]))
    return tx.replace(
        momentum=kept_tangential(momentum(h), tangential(h)), rescale=zoo.parallel(direction=zoo.serial(), decay=decay)
    )


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    """Coupled decay is added to a gradient that has been read."""
    weight_decay = h["weight_decay"] / (h["lr"] if h["fixed_decay"] else 1) if h["weight_decouple"] else 0.0
    tx = zoo.sgdp(h["lr"]).replace(momentum=momentum(h), rescale=tangential(h, weight_decay))
    return ascending(tx, h)


REPLAYS = {
    "authors": Replay(authors),
    "jettify": Replay(authors),
    "pytorch_optimizer": Replay(pytorch_optimizer),
}
