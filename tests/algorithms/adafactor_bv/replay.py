"""Adafactor as Big Vision has it: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

from harness import Replay
from sources import average_in, with_decay

import optax_zoo as zoo


def timm(h: dict[str, Any]) -> zoo.Pipeline:
    """Directions are rounded to what their average is kept in."""
    limit = None if h["beta2_cap"] >= 1 else h["beta2_cap"]
    tx = zoo.adafactor_bv(
        h["lr"],
        None,
        zoo.power_decay(h["decay_rate"], limit, 1 - h["decay_offset"]),
        eps=1e-30 if h["eps"] is None else h["eps"],
        clip_threshold=h["clipping_threshold"],
        min_dim_size_to_factor=max(1, h["min_dim_size_to_factor"]),
    )
    kept_in, b1, caution = str(h["momentum_dtype"]).removeprefix("torch."), h["momentum"], h["caution"]
    momentum = zoo.in_series(
        clip=tx.slots.get("momentum"),
        average=None if b1 is None else average_in(kept_in, b1),
        cautious=zoo.cautious() if caution and b1 is not None else None,
    )
    return with_decay(tx.replace(momentum=momentum), h, decoupled=True, fixed=h["unscaled_wd"])


REPLAYS = {
    "timm": Replay(timm, unread={"corrected_weight_decay": "the rate is constant, and so the largest all the time"}),
}
