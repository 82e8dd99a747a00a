"""LARS: how each source's hyperparameters, under its own names (h), are said here."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from harness import Replay
from sources import ascending

import optax_zoo as zoo


def with_momentum(tx: zoo.Pipeline, h: dict[str, Any]) -> zoo.Pipeline:
    """PyTorch's, before the rate, whose first gradient is not dampened."""
    decay, dampening, nesterov = h["momentum"], h["dampening"], h["nesterov"]
    seeded = "first_step" if dampening else None
    return followed_by(zoo.optional(zoo.trace, decay, dampening=dampening, nesterov=nesterov, seeded=seeded), tx)


def followed_by(average: zoo.Part | None, tx: zoo.Pipeline) -> zoo.Pipeline:
    return tx.replace(rescale=zoo.in_series(trust=tx.slots.get("rescale"), momentum=average))


def but_for_zeros(tx: zoo.Pipeline, instead: Callable[[jax.Array, jax.Array], jax.Array]) -> zoo.Pipeline:
    """Other directions where all gradients or parameters of a leaf are 0, made from both."""
    part = tx.slots["rescale"]

    def update(g: Any, state: Any, params: Any, **extra_args: Any) -> Any:
        def of_leaf(u: jax.Array, g: jax.Array, p: jax.Array) -> jax.Array:
            return jnp.where(jnp.all(g == 0) | jnp.all(p == 0), instead(g, p), u)

        u, state = part.update(g, state, params, **extra_args)
        return jax.tree.map(of_leaf, u, g, params), state

    return tx.replace(rescale=optax.GradientTransformationExtraArgs(part.init, update))


def jettify(h: dict[str, Any]) -> zoo.Pipeline:
    """Without decay plain steps."""
    weight_decay, coefficient, eps = h["weight_decay"], h["trust_coefficient"], h["eps"]
    tx = zoo.lars(h["lr"], 0.0, trust_coefficient=coefficient, weight_decay=weight_decay, eps=eps)
    return with_momentum(but_for_zeros(tx, lambda g, p: g) if weight_decay else zoo.sgd(h["lr"]), h)


def timm(h: dict[str, Any]) -> zoo.Pipeline:
    """A clip limits the ratio relative to the rate, also where it is 1 for want of a norm."""
    rate, weight_decay, coefficient, eps, alone = h["lr"], h["weight_decay"], h["trust_coeff"], h["eps"], 1.0
    adapts = h["always_adapt"] or weight_decay
    tx = zoo.lars(rate, 0.0, trust_coefficient=coefficient, weight_decay=weight_decay, eps=eps)
    if h["trust_clip"]:
        ratio = zoo.trust_ratio(coefficient=coefficient / rate, weight_decay=weight_decay, eps=eps, max_ratio=1.0)
        tx, alone = tx.replace(rescale=ratio), min(1 / rate, 1.0)
    adapted = but_for_zeros(tx, lambda g, p: alone * (g + weight_decay * p))
    return with_momentum(adapted if adapts else zoo.sgd(rate), h)


def of_matrices(params: Any) -> Any:
    return jax.tree.map(lambda p: p.ndim > 1, params)


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    """Leaves of one axis neither adapt nor decay; dampening reduces the first gradient, too, but not the look-ahead."""
    coefficient, weight_decay, momentum = h["trust_coefficient"], h["weight_decay"], h["momentum"]
    tx = zoo.lars(h["lr"], 0.0, trust_coefficient=coefficient, weight_decay=weight_decay, trust_mask=of_matrices)
    average = zoo.trace(momentum, dampening=h["dampening"])
    if h["nesterov"]:
        average = zoo.parallel(now=optax.identity(), ahead=zoo.scaled(momentum, average))
    return ascending(followed_by(average, tx) if momentum else tx, h)


REPLAYS = {
    "jettify": Replay(jettify),
    "timm": Replay(timm),
    "pytorch_optimizer": Replay(pytorch_optimizer),
}
