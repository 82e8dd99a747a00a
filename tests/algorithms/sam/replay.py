"""SAM: how each source's hyperparameters, under its own names (h), are said here."""

from typing import Any

from harness import Replay
from sources import torch_sgd, with_decay

import optax_zoo as zoo


def torch_adam(h: dict[str, Any]) -> zoo.Pipeline:
    row = zoo.amsgrad if h["amsgrad"] else zoo.adam
    return with_decay(row(h["lr"], *h["betas"], eps=h["eps"]), h, decoupled=False)


BASES = {
    "SGD": (torch_sgd, {"momentum": 0.0, "dampening": 0.0, "nesterov": False}),
    "Adam": (torch_adam, {"betas": (0.9, 0.999), "eps": 1e-8, "amsgrad": False}),
}


def authors(h: dict[str, Any]) -> zoo.Pipeline:
    """The optimizer inside has PyTorch's defaults where the case says nothing."""
    base, defaults = BASES[h["base"]]
    given = {name: h[name] for name in h}
    return zoo.sam(base({"weight_decay": 0.0, **defaults, **given}), h["rho"], adaptive=h["adaptive"])


REPLAYS = {"authors": Replay(authors, turns=2)}
