"""Adam with D-Adaptation: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay

import optax_zoo as zoo


def authors(h: dict[str, Any]) -> zoo.Pipeline:
    return zoo.dadapt_adam(
        h["lr"],
        *h["betas"],
        eps=h["eps"],
        weight_decay=h["weight_decay"],
        decouple=h["decouple"],
        use_bias_correction=h["use_bias_correction"],
        d0=h["d"],
        growth_rate=h["growth_rate"],
        layer_scale=h["layer_scale"],
    )


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    fixed = h["fixed_decay"] and h["weight_decouple"] and h["weight_decay"]
    tx = zoo.dadapt_adam(
        h["lr"],
        *h["betas"],
        eps=h["eps"],
        weight_decay=h["weight_decay"],
        decouple=h["weight_decouple"],
        use_bias_correction=h["bias_correction"],
        d0=h["d"],
        growth_rate=h["growth_rate"],
    )
    if fixed:
        return tx.replace(decay=optax.add_decayed_weights(-h["weight_decay"]))
    return tx


REPLAYS = {"authors": Replay(authors), "pytorch_optimizer": Replay(pytorch_optimizer)}
