"""Lion: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
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


@zoo.primitive
def cautious_with_one_more() -> zoo.Rule:
    """pytorch_optimizer's `cautious` counts one element more than those that are kept."""

    def update(updates: Any, state: Any, params: Any = None, *, gradient: Any, **extra_args: Any) -> Any:
        kept = jax.tree.map(lambda u, g: (u * g > 0).astype(u.dtype), updates, gradient)
        return jax.tree.map(lambda u, k: u * k * (k.size / (k.sum() + 1)), updates, kept), state

    return zoo.Rule(lambda params: optax.EmptyState(), update)


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    refuse(h, "adanorm")
    tx = zoo.lion(h["lr"], *h["betas"]).replace(gradient=optax.centralize() if h.get("use_gc") else None)
    if h.get("cautious"):
        tx = tx.replace(rescale=zoo.serial(sign=zoo.scale_by_sign(), cautious=cautious_with_one_more()))
    return ascending(with_decay(tx, h, h["weight_decouple"], h["fixed_decay"]), h)


REPLAYS = {
    "lion_pytorch": Replay(lion_pytorch),
    "optimi": Replay(optimi),
    "timm": Replay(timm),
    "pytorch_optimizer": Replay(pytorch_optimizer),
}
