"""Aida: how the source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay
from sources import adanorm, ascending, with_decay

import optax_zoo as zoo


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    """1e-15 is added inside the root; `adanorm` makes the gradient that is averaged longer, not the other one."""
    (b1, b2), eps = h["betas"], h["eps"]
    average = zoo.ema(b2, of=zoo.square, increment=eps)
    average = zoo.running_max(average) if h["ams_bound"] else average
    scale = zoo.debiased(zoo.root(average, eps=eps, eps_root=1e-15))
    if h["rectify"]:
        otherwise = "momentum" if h.get("degenerated_to_sgd", True) else "still"
        scale = zoo.rectified(scale, b2, threshold=float(h.get("n_sma_threshold", 5)), otherwise=otherwise)
    projected = zoo.mutual_projections(h.get("k", 2), eps=h.get("xi", 1e-20))
    mean = zoo.ema(b1) if h.get("adam_debias") else zoo.debiased(zoo.ema(b1))
    tx = zoo.aida(h["lr"], b1, b2).replace(
        numerator=zoo.in_series(size=adanorm(h), average=mean), denominator=zoo.residual(scale, projected=projected)
    )
    return ascending(with_decay(tx, h, h["weight_decouple"], h["fixed_decay"]), h)


REPLAYS = {"pytorch_optimizer": Replay(pytorch_optimizer)}
