"""AdamP: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax.numpy as jnp
import optax
from harness import Replay
from sources import adanorm, ascending

import optax_zoo as zoo
from optax_zoo import debiased, ema, root, square


def corrected(b1: float, numerator: zoo.Part) -> zoo.Part:
    """Divided by the weight of the average, whatever else is in it."""
    return zoo.scaled(lambda count: 1 / (1 - jnp.float64(b1) ** (count + 1)), numerator)


def tangential(h: dict[str, Any], weight_decay: float) -> zoo.Part:
    decay = zoo.optional(zoo.coupled_decay, weight_decay)
    return zoo.tangential(h["delta"], eps=h["eps"], decay=decay, decay_share=h["wd_ratio"], outputs="first")


@zoo.primitive
def tangential_and_cautious(h: dict[str, Any]) -> zoo.Rule:
    """timm's `caution`: what is left of the direction is compared with what is left of the gradient."""
    plain, last, nothing = tangential(h, 0.0), tangential(h, h["weight_decay"]), optax.EmptyState()

    def update(u: Any, state: Any, params: Any = None, *, gradient: Any, **extra_args: Any) -> Any:
        u, g = (plain.update(x, nothing, params, gradient=gradient)[0] for x in (u, gradient))
        kept, _ = zoo.cautious().update(u, nothing, gradient=g)
        return last.update(kept, state, params, gradient=gradient)

    return zoo.Rule(last.init, update, ("params",))


def authors(h: dict[str, Any]) -> zoo.Pipeline:
    (b1, b2), eps = h["betas"], h["eps"]
    tx = zoo.adamp(h["lr"], b1, b2, eps=eps)
    if h["nesterov"]:
        tx = tx.replace(numerator=corrected(b1, ema(b1, nesterov=True)))
    return tx.replace(rescale=tangential_and_cautious(h) if h.get("caution") else tangential(h, h["weight_decay"]))


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    """eps meets the uncorrected root; coupled decay is added to a gradient that has been read."""
    (b1, b2), eps = h["betas"], h["eps"]
    caution = zoo.cautious(None) if h.get("cautious") else None
    numerator = zoo.in_series(size=adanorm(h), average=ema(b1), cautious=caution)
    if h["nesterov"]:
        ahead = zoo.scaled(b1, zoo.serial(average=numerator))
        numerator = zoo.parallel(ahead=ahead, gradient=zoo.scaled(1 - b1, zoo.serial()))
    weight_decay = h["weight_decay"] / (h["lr"] if h["fixed_decay"] else 1) if h["weight_decouple"] else 0.0
    tx = zoo.adamp(h["lr"]).replace(
        gradient=optax.centralize() if h.get("use_gc") else None,
        numerator=numerator if h.get("adam_debias") else corrected(b1, numerator),
        denominator=debiased(root(ema(b2, of=square), eps=eps)),
        rescale=tangential(h, weight_decay),
    )
    return ascending(tx, h)


REPLAYS = {
    "authors": Replay(authors),
    "jettify": Replay(authors),
    "timm": Replay(authors),
    "pytorch_optimizer": Replay(pytorch_optimizer),
}
