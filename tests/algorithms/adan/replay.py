"""Adan: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import jax
import optax
from harness import Replay, tree
from sources import adanorm, ascending, optimi_coefficient

import optax_zoo as zoo


def with_decay(tx: zoo.Pipeline, coefficient: float, proximal: bool) -> zoo.Pipeline:
    decay = zoo.proximal_decay if proximal else zoo.decoupled_decay
    return tx.replace(decay=zoo.optional(decay, coefficient))


def optimi(h: dict[str, Any]) -> zoo.Pipeline:
    """The decay is proximal, whatever `adam_wd` says."""
    tx = zoo.adan(h["lr"], h["beta1"], h["beta2"], h["beta3"], eps=h["eps"])
    return with_decay(tx, optimi_coefficient(h), proximal=True)


def timm(h: dict[str, Any]) -> zoo.Pipeline:
    """`caution` looks at the average gradient alone, not at that of its changes."""
    tx = zoo.adan(h["lr"], *h["betas"], eps=h["eps"])
    if h["caution"]:
        b1, b2, _ = h["betas"]
        gradient = zoo.serial(average=zoo.debiased(zoo.ema(b1)), cautious=zoo.cautious())
        tx = tx.replace(numerator=numerator(gradient, b2))
    return with_decay(tx, h["weight_decay"], not h["no_prox"])


def numerator(gradient: zoo.Part, b2: float) -> zoo.Part:
    """Another average gradient beside that of its changes."""
    change = zoo.serial(difference=zoo.difference(), average=zoo.debiased(zoo.ema(b2)))
    return zoo.parallel(gradient=gradient, change=zoo.scaled(b2, change))


def pytorch_optimizer_gradient(h: dict[str, Any]) -> optax.GradientTransformation | None:
    """What becomes of the gradient before it is averaged."""
    clip = zoo.clip_by_norm("l2", h["max_grad_norm"], eps=h["eps"], scope="tree") if h["max_grad_norm"] else None
    centralize = optax.centralize() if h.get("use_gc") else None
    return zoo.in_series(clip=clip, centralize=centralize) if clip or centralize else None


def first_change(state: Any, case: dict[str, Any]) -> Any:
    """pytorch_optimizer takes the first gradient as it is given for the one before it, and changes it afterwards."""
    h = case["hyperparameters"]
    if not (h.get("maximize") or h.get("use_gc")):
        return state
    given = tree(case["grads"][0], case["dtype"])
    clip = pytorch_optimizer_gradient({**h, "use_gc": False})
    if clip:
        given, _ = clip.update(given, clip.init(given))

    def is_difference(node: Any) -> bool:
        return "previous" in getattr(node, "_fields", ())

    def known(node: Any) -> Any:
        return node._replace(previous=given, count=node.count + 1) if is_difference(node) else node

    return jax.tree.map(known, state, is_leaf=is_difference)


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    """`adanorm` lengthens the gradient that is averaged, not those whose change is."""
    tx = zoo.adan(h["lr"], *h["betas"], eps=h["eps"]).replace(gradient=pytorch_optimizer_gradient(h))
    if h.get("adanorm"):
        gradient = zoo.serial(size=adanorm(h), average=zoo.debiased(zoo.ema(h["betas"][0])))
        tx = tx.replace(numerator=numerator(gradient, h["betas"][1]))
    return ascending(with_decay(tx, h["weight_decay"], not h["weight_decouple"]), h)


REPLAYS = {
    "optimi": Replay(optimi, unread={"adam_wd": "it is never handed on to the step"}),
    "timm": Replay(timm),
    "pytorch_optimizer": Replay(
        pytorch_optimizer,
        start=first_change,
        tolerance=1e-6,
        where=lambda h: h["max_grad_norm"] > 0,
        why="with max_grad_norm the norm of the gradients is taken in single precision.",
    ),
}
