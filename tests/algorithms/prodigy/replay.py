"""Prodigy: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay

import optax_zoo as zoo


def authors(h: dict[str, Any]) -> zoo.Pipeline:
    return zoo.prodigy(
        h["lr"],
        *h["betas"],
        b3=h["beta3"],
        eps=h["eps"],
        weight_decay=h["weight_decay"],
        decouple=h["decouple"],
        use_bias_correction=h["use_bias_correction"],
        safeguard_warmup=h["safeguard_warmup"],
        d0=h["d0"],
        d_coef=h["d_coef"],
        growth_rate=h["growth_rate"],
        slice_p=h["slice_p"],
    )


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    """A decay that is not decoupled reaches gradients that have been used: there is none. eps None is an arctangent."""
    if h["eps"] is None:
        raise NotImplementedError("eps is None, which has not been expressed.")
    tx = zoo.prodigy(
        h["lr"],
        *h["betas"],
        b3=h["beta3"],
        eps=h["eps"],
        weight_decay=h["weight_decay"] if h["weight_decouple"] else None,
        use_bias_correction=h["bias_correction"],
        safeguard_warmup=h["safeguard_warmup"],
        d0=h["d0"],
        d_coef=h["d_coef"],
        growth_rate=h["growth_rate"],
    )
    if h["fixed_decay"] and h["weight_decay"] and h["weight_decouple"]:
        return tx.replace(decay=optax.add_decayed_weights(-h["weight_decay"]))
    return tx


UNREAD = {"d": "the first of the rates, d0"}
REPLAYS = {
    "authors": Replay(authors, unread=UNREAD),
    "pytorch_optimizer": Replay(pytorch_optimizer, unread=UNREAD),
}
