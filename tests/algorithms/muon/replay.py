"""Muon: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import muons
import optax
from harness import Replay

import optax_zoo as zoo


def authors(h: dict[str, Any]) -> zoo.Route:
    return zoo.muon(h["lr"], h["momentum"], weight_decay=h["weight_decay"], outputs="first")


def torch(h: dict[str, Any]) -> zoo.Route:
    return zoo.muon(
        h["lr"],
        h["momentum"],
        nesterov=h["nesterov"],
        ns_steps=h["ns_steps"],
        ns_coefficients=tuple(h["ns_coefficients"]),
        eps=h["eps"],
        shape_factor="rms" if h["adjust_lr_fn"] == "match_rms_adamw" else "spectral",
        weight_decay=h["weight_decay"],
        outputs="first",
    )


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Route:
    tx = zoo.muon(h.get("lr", 2e-2), h.get("momentum", 0.95), **muons.options(h))
    if h.get("cautious"):
        step = tx.slots["matrices"].slots["rescale"]
        tx = tx.replace(matrices={"rescale": agreeing(step, of_momentum=h.get("nesterov", True))})
    return muons.with_common(tx, h)


def agreeing(step: zoo.Part, of_momentum: bool) -> optax.GradientTransformation:
    """`cautious`: steps along the gradient. Nesterov's momentum overwrites that before they are compared."""
    caution = zoo.cautious(None)

    def update(u: Any, state: Any, params: Any = None, **extra_args: Any) -> Any:
        made, state = step.update(u, state, params, **extra_args)
        compared = {**extra_args, "gradient": u} if of_momentum else extra_args
        return caution.update(made, optax.EmptyState(), **compared)[0], state

    return optax.GradientTransformationExtraArgs(step.init, update)


BFLOAT16 = "it computes the Newton-Schulz iterations in bfloat16, here they are in float64"
REPLAYS = {
    "authors": Replay(authors),
    "torch": Replay(torch, tolerance=2e-2, why=BFLOAT16),
    "pytorch_optimizer": Replay(
        pytorch_optimizer,
        tolerance=2e-2,
        why=BFLOAT16,
        unread={
            "ns_method": "by the products of rows or by the matrix, it is the same polynomial",
            "ns_reset_steps": "where the products of rows are made anew, rounding alone differs",
        },
    ),
}
