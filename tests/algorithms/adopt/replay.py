"""ADOPT: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay
from sources import ascending, clip_by_uncorrected, with_decay

import optax_zoo as zoo


def with_clip(tx: zoo.Pipeline, b1: float, clip: Any, cautious: zoo.Part | None = None) -> zoo.Pipeline:
    """With another limit of the quotients, and a part after their average."""
    clip = None if clip is None else zoo.clip_by_value(clip)
    return tx.replace(momentum=zoo.in_series(clip=clip, average=zoo.ema(b1), cautious=cautious))


def own_clip(h: dict[str, Any]) -> bool:
    """Whether `clip_lambda` is the default, a function whose name alone is recorded."""
    clip = h.get("clip_lambda", "<lambda>")
    if clip not in (None, "<lambda>"):
        raise NotImplementedError(f"clip_lambda is {clip!r}, which has not been expressed.")
    return clip is not None


def authors(h: dict[str, Any]) -> optax.GradientTransformation:
    (b1, b2), coefficient = h["betas"], h["weight_decay"]
    tx = zoo.adopt(h["lr"], b1, b2, eps=h["eps"], weight_decay=coefficient if h["decouple"] else None)
    if not h["decouple"]:
        tx = with_decay(tx, h, decoupled=False)
    return ascending(tx if own_clip(h) else with_clip(tx, b1, None), h)


def timm(h: dict[str, Any]) -> optax.GradientTransformation:
    (b1, b2), coefficient = h["betas"], h["weight_decay"]
    tx = zoo.adopt(h["lr"], b1, b2, eps=h["eps"], weight_decay=coefficient if h["decoupled"] else None)
    if not h["decoupled"]:
        tx = with_decay(tx, h, decoupled=False)
    clip = None if h["clip_exp"] is None else lambda count: (count * 1.0) ** h["clip_exp"]
    return ascending(with_clip(tx, b1, clip, zoo.cautious() if h["caution"] else None), h)


def pytorch_optimizer(h: dict[str, Any]) -> optax.GradientTransformation:
    """The limit is one step ahead; decoupled decay begins with the first step."""
    b1, b2 = h["betas"]
    tx = zoo.adopt(h["lr"], b1, b2, eps=h["eps"])
    clip = (lambda count: (count + 1.0) ** 0.25) if own_clip(h) else None
    tx = with_clip(tx, b1, clip, zoo.cautious(None) if h.get("cautious") else None)
    if h.get("stable_adamw"):
        tx = tx.replace(rescale=clip_by_uncorrected("states_before"))
    return ascending(with_decay(tx, h, h["weight_decouple"], h["fixed_decay"]), h)


REPLAYS = {
    "authors": Replay(authors),
    "timm": Replay(timm, unread={"corrected_weight_decay": "the same at a constant rate"}),
    "pytorch_optimizer": Replay(pytorch_optimizer),
}
