"""AdaBelief: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from harness import Replay
from sources import adanorm, ascending, tfa_rate, with_decay

import optax_zoo as zoo


def belief(b2: float, eps: float, largest: bool = False) -> optax.GradientTransformation:
    """The average squared residual, of which amsgrad takes the largest so far."""
    average = zoo.ema(b2, of=zoo.square, increment=eps)
    return zoo.running_max(average) if largest else average


def corrected(average: optax.GradientTransformation, eps: float) -> optax.GradientTransformation:
    return zoo.root(zoo.debiased(average), eps=eps)


def uncorrected(average: optax.GradientTransformation, eps: float) -> optax.GradientTransformation:
    """With eps outside the root before it is corrected, as all but jettify and tfa have it where they rectify."""
    return zoo.debiased(zoo.root(average, eps=eps))


def below(h: dict[str, Any], default: bool) -> str:
    """What a rectified step is at first."""
    return "momentum" if h.get("degenerated_to_sgd", default) else "still"


def authors(h: dict[str, Any]) -> zoo.Pipeline:
    """The largest average counts where nothing is rectified."""
    (b1, b2), eps = h["betas"], h["eps"]
    if h.get("rectify", True):
        scale = zoo.rectified(uncorrected(belief(b2, eps), eps), b2, otherwise=below(h, True))
    else:
        scale = corrected(belief(b2, eps, h["amsgrad"]), eps)
    tx = zoo.adabelief(h["lr"], b1, b2).replace(denominator=zoo.residual(scale))
    return with_decay(tx, h, h.get("weight_decouple", True), h.get("fixed_decay", False))


def timm(h: dict[str, Any]) -> zoo.Pipeline:
    return authors({**h, "weight_decouple": h["decoupled_decay"]})


@zoo.primitive
def growing_max(estimator: zoo.Part, increment: float) -> zoo.Rule:
    """jettify's amsgrad: the maximum, rather than the average, grows by eps in each step."""

    def init(params: Any) -> Any:
        return {"maximum": jax.tree.map(jnp.zeros_like, params), "estimator": estimator.init(params)}

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        estimate, inner = estimator.update(updates, state["estimator"], params, **extra_args)
        maximum = jax.tree.map(lambda s, e: jnp.maximum(s, e) + increment, state["maximum"], estimate)
        return maximum, {"maximum": maximum, "estimator": inner}

    return zoo.Rule(
        init, update, debias_weight=lambda weight, state: estimator.rule.debias_weight(weight, state["estimator"])
    )


def jettify(h: dict[str, Any]) -> zoo.Pipeline:
    """A rectified step is along the average gradient at first, not corrected for its start."""
    (b1, b2), eps = h["betas"], h["eps"]
    average = growing_max(zoo.ema(b2, of=zoo.square), eps) if h["amsgrad"] else belief(b2, eps)
    scale, tx = corrected(average, eps), zoo.adabelief(h["lr"], b1, b2)
    if h.get("rectify", False):
        weighted = zoo.scaled(lambda count: 1 - b1 ** (count + 1), scale)
        scale, tx = zoo.rectified(weighted, b2, threshold=4.0), tx.replace(numerator=zoo.ema(b1))
    tx = tx.replace(denominator=zoo.residual(scale))
    return with_decay(tx, h, h.get("weight_decouple", False), h.get("fixed_decay", False))


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    (b1, b2), eps = h["betas"], h["eps"]
    average = belief(b2, eps, h["ams_bound"])
    scale = corrected(average, eps)
    if h["rectify"]:
        threshold = float(h.get("n_sma_threshold", 5))
        scale = zoo.rectified(uncorrected(average, eps), b2, threshold=threshold, otherwise=below(h, True))
    tx = zoo.adabelief(h["lr"], b1, b2).replace(denominator=zoo.residual(scale))
    if h.get("adam_debias"):
        tx = tx.replace(numerator=zoo.ema(b1))
    tx = tx.replace(numerator=zoo.in_series(size=adanorm(h), average=tx.slots["numerator"]))
    return ascending(with_decay(tx, h, h["weight_decouple"], h["fixed_decay"]), h)


def tfa(h: dict[str, Any]) -> zoo.Pipeline:
    b2, eps = h["beta_2"], h["epsilon"]
    scale = corrected(belief(b2, eps, h["amsgrad"]), eps)
    if h["rectify"]:
        scale = zoo.rectified(scale, b2, threshold=h["sma_threshold"])
    tx = zoo.adabelief(tfa_rate(h), h["beta_1"], b2, weight_decay=h["weight_decay"])
    return tx.replace(denominator=zoo.residual(scale))


REPLAYS = {
    "authors": Replay(authors),
    "jettify": Replay(jettify),
    "timm": Replay(timm),
    "pytorch_optimizer": Replay(pytorch_optimizer),
    "tfa": Replay(tfa),
}
