"""Scion: how the source's hyperparameters, under its own names (h), are said here."""

from typing import Any

import optax
from harness import Replay
from sources import ascending, with_decay

import optax_zoo as zoo

BALLS = {1: "auto", 2: "spectral", 3: "convolution", 4: "sign", 5: "rms", 6: "column", 7: "row"}
BFLOAT16 = "it computes the Newton-Schulz iterations in bfloat16, here they are in float64"


def pytorch_optimizer(h: dict[str, Any]) -> zoo.Pipeline:
    kwargs = h.get("norm_kwargs") or {}
    kind = int(h["norm_type"])
    tx = zoo.scion(
        h["lr"],
        1 - h["momentum"],
        norm=BALLS.get(kind, "auto"),
        radius=h["scale"],
        constrained=h["constraint"],
        normalized=kwargs.get("normalize", kwargs.get("normalized")),
        at_least_one=kwargs.get("max_scale", False),
        transposed=kwargs.get("transpose", False),
        ns_steps=kwargs.get("num_steps", 5),
        outputs="first",
    )
    tx = tx if kind in BALLS else tx.replace(rescale=optax.scale(h["scale"]))
    with_own = {**h, "weight_decay": 0.0 if h["constraint"] else h["weight_decay"]}
    return ascending(with_decay(tx, with_own, h["weight_decouple"]), h)


REPLAYS = {"pytorch_optimizer": Replay(pytorch_optimizer, tolerance=2e-2, why=BFLOAT16)}
