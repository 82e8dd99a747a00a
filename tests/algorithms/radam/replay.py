"""RAdam: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from harness import Replay
from sources import adanorm, ascending, optimi_coefficient, tfa_rate, with_decay

import optax_zoo as zoo


def with_corrected_root(tx: zoo.Pipeline, b2: float, eps: float, threshold: float = 5.0) -> zoo.Pipeline:
    """With eps outside the corrected root."""
    average = zoo.debiased(zoo.ema(b2, of=zoo.square))
    return tx.replace(denominator=zoo.rectified(zoo.root(average, eps=eps), b2, threshold=threshold))


def optimi(h: dict[str, Any]) -> zoo.Pipeline:
    tx = with_corrected_root(zoo.radam(h["lr"], h["beta1"], h["beta2"]), h["beta2"], h["eps"])
    decoupled = h["decouple_wd"] or h["decouple_lr"]
    return with_decay(tx, {**h, "weight_decay": optimi_coefficient(h)}, decoupled)


def jettify(h: dict[str, Any]) -> zoo.Pipeline:
    return zoo.radam(h["lr"], *h["betas"], eps=h["eps"], weight_decay=h["weight_decay"])


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    """Nothing decays in a step without a step, and nothing at all where `weight_decouple` is False."""
    (b1, b2), threshold = h["betas"], float(h.get("n_sma_threshold", 5))
    mean = zoo.ema(b1) if h.get("adam_debias") else zoo.debiased(zoo.ema(b1))
    tx = zoo.radam(h["lr"], b1, b2, eps=h["eps"], threshold=threshold)
    tx = tx.replace(numerator=zoo.in_series(size=adanorm(h), average=mean))
    coefficient = h["weight_decay"] / h["lr"] if h["fixed_decay"] else h["weight_decay"]
    decays = h["weight_decouple"] and bool(h["weight_decay"])
    if h.get("degenerated_to_sgd", False):
        return ascending(tx.replace(decay=zoo.decoupled_decay(coefficient) if decays else None), h)

    def coefficient_at(count: jax.Array) -> jax.Array:
        t, power = count + 1, b2 ** (count + 1)
        return jnp.where(2 / (1 - b2) - 1 - 2 * t * power / (1 - power) >= threshold, coefficient, 0.0)

    average = zoo.debiased(zoo.root(zoo.ema(b2, of=zoo.square), eps=h["eps"]))
    still = zoo.rectified(average, b2, threshold=threshold, otherwise="still")
    return ascending(tx.replace(denominator=still, decay=zoo.decoupled_decay(coefficient_at) if decays else None), h)


def tfa(h: dict[str, Any]) -> zoo.Pipeline:
    b2, average = h["beta_2"], zoo.ema(h["beta_2"], of=zoo.square)
    largest = zoo.root(zoo.debiased(zoo.running_max(average) if h["amsgrad"] else average), eps=h["epsilon"])
    tx = zoo.radam(tfa_rate(h), h["beta_1"], b2, weight_decay=h["weight_decay"])
    return tx.replace(denominator=zoo.rectified(largest, b2, threshold=h["sma_threshold"]))


def torch(h: dict[str, Any]) -> optax.GradientTransformation:
    tx = zoo.radam(h["lr"], *h["betas"], eps=h["eps"])
    return ascending(with_decay(tx, h, h.get("decoupled_weight_decay", False)), h)


REPLAYS = {
    "optimi": Replay(optimi),
    "jettify": Replay(jettify, arithmetic="float32"),  # parameters and averages too; it stores the former in float64
    "pytorch_optimizer": Replay(pytorch_optimizer),
    "tfa": Replay(tfa),
    "torch": Replay(torch),
}
