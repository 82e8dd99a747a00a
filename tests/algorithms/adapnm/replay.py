"""AdaPNM: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay
from sources import adanorm, ascending, with_decay

import optax_zoo as zoo
from optax_zoo import debiased, root


def squares(h: dict[str, Any], largest: str) -> zoo.Part:
    average = zoo.ema(h["betas"][1], of=zoo.square)
    return zoo.running_max(average) if h[largest] else average


def authors(h: dict[str, Any]) -> zoo.Pipeline:
    b1, b2, b3 = h["betas"]
    tx = zoo.adapnm(h["lr"], b1, b2, b3).replace(denominator=root(debiased(squares(h, "amsgrad")), eps=h["eps"]))
    return with_decay(tx, h, h["decoupled"])


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    """eps meets the uncorrected root, in which there is another; with `adam_debias` only that is corrected."""
    b1, _, b3 = h["betas"]
    momentum = zoo.positive_negative(b1, b3)
    if not h.get("adam_debias"):
        momentum = debiased(momentum)
    tx = zoo.adapnm(h["lr"]).replace(
        numerator=zoo.in_series(size=adanorm(h), momentum=momentum),
        denominator=debiased(root(squares(h, "ams_bound"), eps=h["eps"], eps_root=1e-15)),
    )
    return ascending(with_decay(tx, h, h["weight_decouple"], h["fixed_decay"]), h)


REPLAYS = {"authors": Replay(authors), "pytorch_optimizer": Replay(pytorch_optimizer)}
