"""Lion: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay
from sources import ascending, optimi_coefficient, refuse, with_decay

import optax_zoo as zoo


def lion_pytorch(h: dict[str, Any]) -> zoo.Pipeline:
    """`decoupled_weight_decay` divides the coefficient by the first rate."""
    return with_decay(zoo.lion(h["lr"], *h["betas"]), h, decoupled=True, fixed=h.get("decoupled_weight_decay", False))


def optimi(h: dict[str, Any]) -> zoo.Pipeline:
    return zoo.lion(h["lr"], h["beta1"], h["beta2"], weight_decay=optimi_coefficient(h))


def timm(h: dict[str, Any]) -> optax.GradientTransformation:
    """`corrected_weight_decay` decays by rate^2 over the first rate: the same while the rate is constant."""
    tx = zoo.lion(h["lr"], *h["betas"], weight_decay=h["weight_decay"])
    if h["caution"]:
        tx = tx.replace(rescale=zoo.serial(sign=zoo.scale_by_sign(), cautious=zoo.cautious()))
    return ascending(tx, h)


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    refuse(h, "adanorm", "cautious")
    tx = zoo.lion(h["lr"], *h["betas"]).replace(gradient=optax.centralize() if h.get("use_gc") else None)
    return ascending(with_decay(tx, h, h["weight_decouple"], h["fixed_decay"]), h)


REPLAYS = {
    "lion_pytorch": Replay(lion_pytorch),
    "optimi": Replay(optimi),
    "timm": Replay(timm),
    "pytorch_optimizer": Replay(pytorch_optimizer),
}
