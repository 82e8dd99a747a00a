"""Lion: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import optax
from harness import Replay
from sources import ascending, optimi_coefficient, with_decay

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


@zoo.primitive
def blend_beside_adanorm(b1: float, b2: float, decay: float) -> zoo.Rule:
    """`adanorm` lengthens the gradients that are averaged, but not the one that is blended in."""
    average = zoo.serial(norm=zoo.raise_to_average_norm(decay), average=zoo.ema(b2))

    def update(updates: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        _, after = average.update(updates, state)
        return jax.tree.map(lambda g, m: b1 * m + (1 - b1) * g, updates, state["average"].value), after

    return zoo.Rule(average.init, update)


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    """`cautious` counts one element more than those that are kept."""
    tx = zoo.lion(h["lr"], *h["betas"]).replace(gradient=optax.centralize() if h.get("use_gc") else None)
    if h.get("cautious"):
        tx = tx.replace(rescale=zoo.serial(sign=zoo.scale_by_sign(), cautious=zoo.cautious(None)))
    if h.get("adanorm"):
        tx = tx.replace(numerator=blend_beside_adanorm(*h["betas"], h.get("adanorm_r") or 0.95))
    return ascending(with_decay(tx, h, h["weight_decouple"], h["fixed_decay"]), h)


REPLAYS = {
    "lion_pytorch": Replay(lion_pytorch),
    "optimi": Replay(optimi),
    "timm": Replay(timm, unread={"corrected_weight_decay": "the same at a constant rate"}),
    "pytorch_optimizer": Replay(pytorch_optimizer),
}
